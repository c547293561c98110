/** A scope of ours, as clients see it, and the Microsoft Graph permissions behind it. */
export interface ScopeDefinition {
  readonly name: Scope;
  /** For the consent page. */
  readonly title: string;
  readonly description: string;
  readonly graph: readonly string[];
}

export const SCOPES = ["mcp", "user.read", "calendar.read"] as const;
export type Scope = (typeof SCOPES)[number];

export const SCOPE_DEFINITIONS: readonly ScopeDefinition[] = [
  {
    name: "mcp",
    title: "Use this server’s tools as you",
    description: "Call tools, and read and change the settings you keep here.",
    graph: [],
  },
  {
    name: "user.read",
    title: "Read your profile",
    description: "Your name, mail address and job title in the directory.",
    graph: ["User.Read"],
  },
  {
    name: "calendar.read",
    title: "Read your calendar",
    description: "Your upcoming events: when, where and with whom.",
    graph: ["Calendars.Read"],
  },
];

/** RFC 6749 §3.3: NQCHAR without the quotation mark and the backslash, separated by spaces. */
const SCOPE_SYNTAX = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/**
 * Reads a `scope` parameter. Scopes that are not ours (`openid`, `offline_access`) are dropped, not
 * refused: clients guess them, and the granted set is returned (RFC 6749 §3.3).
 *
 * @returns Ours, in our order; undefined for text that is no scope list.
 */
export function parseScopes(text: string): Scope[] | undefined {
  if (!SCOPE_SYNTAX.test(text)) return undefined;
  const asked = new Set(text.split(" "));
  return SCOPES.filter((scope) => asked.has(scope));
}

/** @returns The scope list as it goes over the wire. */
export function formatScopes(scopes: readonly Scope[]): string {
  return scopes.join(" ");
}

/**
 * What a client gets that asks for none of our scopes. HTTP+SSE clients cannot ask for more later, so
 * they are given everything at once.
 *
 * @param sse Whether the resource is the HTTP+SSE endpoint.
 */
export function defaultScopes(sse: boolean): Scope[] {
  return sse ? [...SCOPES] : ["mcp", "user.read"];
}

/** Every token can use the server: what is granted always has `mcp` in it. */
export function grantedScopes(asked: readonly Scope[]): Scope[] {
  return SCOPES.filter((scope) => scope === "mcp" || asked.includes(scope));
}

/** @returns What `scopes` mean, for the person and for Graph. */
export function definitionsOf(scopes: readonly Scope[]): ScopeDefinition[] {
  return SCOPE_DEFINITIONS.filter(({ name }) => scopes.includes(name));
}

/** @returns The Graph permissions behind `scopes`. */
export function graphScopes(scopes: readonly Scope[]): string[] {
  return definitionsOf(scopes).flatMap(({ graph }) => graph);
}
