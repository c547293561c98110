import { AadError } from "./aad-error.ts";
import { GRAPH_APP_ID } from "./directory.ts";

const OIDC_SCOPES = ["openid", "profile", "email", "offline_access"];

/** The delegated Graph permissions that exist here, with what the consent page says of them. */
export const GRAPH_SCOPES: Readonly<Record<string, string>> = {
  "User.Read": "Sign you in and read your profile",
  "User.ReadBasic.All": "Read all users' basic profiles",
  "Calendars.Read": "Read your calendars",
  "Calendars.ReadWrite": "Have full access to your calendars",
  "Mail.Read": "Read your mail",
};

/** What `.default` means: the permissions on the registration. */
const REGISTERED_SCOPES = ["User.Read", "Calendars.Read"];

const GRAPH_PREFIXES = ["https://graph.microsoft.com/", `${GRAPH_APP_ID}/`];

export interface RequestedScopes {
  /** `openid`, `profile`, `email`, `offline_access`, as far as asked for. */
  readonly oidc: readonly string[];
  /** Graph permissions by their short names. */
  readonly graph: readonly string[];
  /** The `scope` of a token answer: the written form is kept, `offline_access` is never named. */
  readonly granted: string;
}

/**
 * Reads a `scope` parameter as Entra's v2.0 endpoints do: names without a resource mean Graph.
 *
 * @param scope the parameter, undefined where it is absent
 * @throws AadError 90014 (absent), 70011 (only `offline_access`), 28000 (two resources), 500011 (unknown
 *   resource), 650053 (unknown permission)
 */
export function parseScopes(scope: string | undefined): RequestedScopes {
  const words = (scope ?? "").split(" ").filter((word) => word !== "");
  if (words.length === 0) {
    throw new AadError(90014, { detail: "scope" });
  }
  const oidc = words.filter((word) => OIDC_SCOPES.includes(word.toLowerCase()));
  const rest = words.filter((word) => !oidc.includes(word));
  if (rest.length === 0 && oidc.every((word) => word === "offline_access")) {
    throw new AadError(70011, { detail: "offline_access" });
  }
  checkResource(rest);
  const graph = rest.flatMap((word) => permissionsOf(word));
  const signIn = oidc.filter((word) => word !== "offline_access");
  return { oidc, graph: [...new Set(graph)], granted: [...rest, ...signIn].join(" ") };
}

/** All scopes of a request are of one resource, and Graph is the only one that people get tokens for here. */
function checkResource(words: readonly string[]): void {
  const prefixes = words.map((word) => word.slice(0, word.lastIndexOf("/") + 1).toLowerCase());
  const foreign = prefixes.filter((prefix) => prefix !== "" && !GRAPH_PREFIXES.includes(prefix));
  if (new Set(foreign).size + Number(foreign.length < words.length) > 1) {
    throw new AadError(28000);
  }
  if (foreign[0] !== undefined) {
    // There is no identifier URI: `api://…` fails here as it does in the real tenant.
    throw new AadError(500011, { detail: foreign[0].slice(0, -1) });
  }
}

function permissionsOf(word: string): string[] {
  const name = word.slice(word.lastIndexOf("/") + 1).toLowerCase();
  if (name === ".default") {
    return REGISTERED_SCOPES;
  }
  const known = Object.keys(GRAPH_SCOPES).find((scope) => scope.toLowerCase() === name);
  if (known === undefined) {
    throw new AadError(650053, { detail: word });
  }
  return [known];
}
