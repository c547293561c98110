import { OAuthError } from "./oauth-error.ts";

/** Where the metadata of a protected resource is (RFC 9728 §3). */
const PROTECTED_RESOURCE_METADATA = "/.well-known/oauth-protected-resource";

/** Paths of the resources: the server as a whole, and each MCP endpoint. */
export const RESOURCE_PATHS = ["", "/sse", "/mcp"] as const;
export type ResourcePath = (typeof RESOURCE_PATHS)[number];

/** The protected resources of this server, all under one origin. Each is an audience of its own. */
export class Resources {
  readonly #baseUrl: string;

  /** @param baseUrl The public origin, without a slash at the end. */
  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  /** @returns The identifier of a resource: its URL, and the `aud` of its tokens. */
  of(path: ResourcePath): string {
    return `${this.#baseUrl}${path}`;
  }

  /** @returns The URL of a resource's metadata, for challenges. */
  metadataUrl(path: ResourcePath): string {
    return `${this.#baseUrl}${PROTECTED_RESOURCE_METADATA}${path}`;
  }

  /**
   * Reads the `resource` parameter of RFC 8707. Compared as URLs, so that `https://host` and
   * `https://host/` are one.
   *
   * @returns The resource's identifier, or undefined where the parameter is absent.
   * @throws OAuthError `invalid_target` for several or for one that is not ours.
   */
  parse(parameters: URLSearchParams): string | undefined {
    const given = parameters.getAll("resource");
    if (given.length > 1) {
      throw new OAuthError("invalid_target", "Ask for one resource at a time.");
    }
    const [resource] = given;
    if (resource === undefined) return undefined;
    for (const path of RESOURCE_PATHS) {
      if (sameUrl(resource, this.of(path))) return this.of(path);
    }
    throw new OAuthError(
      "invalid_target",
      `This server protects ${RESOURCE_PATHS.map((path) => this.of(path)).join(" and ")}.`,
    );
  }
}

function sameUrl(given: string, ours: string): boolean {
  return URL.canParse(given) && new URL(given).href === new URL(ours).href;
}
