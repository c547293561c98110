import { OAuthClientMetadataSchema } from "@modelcontextprotocol/sdk/shared/auth.js";
import { OAUTH_BODY_LIMIT_BYTES, readJson } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import type { Client, Clients } from "./clients.ts";
import { OAuthError } from "./oauth-error.ts";
import { redirectUriFault } from "./redirect-uri.ts";

const MAX_REDIRECT_URIS = 20;
const MAX_NAME_LENGTH = 200;
const MAX_CLIENT_URI_LENGTH = 2_048;
/** Characters of all redirect URIs together: a property of an entity holds 64 KiB, which is 32 Ki characters. */
const MAX_REDIRECT_URIS_LENGTH = 16_384;

/** `POST /register`: dynamic client registration (RFC 7591). */
export function registerHandler({ clients }: { clients: Clients }): Handler {
  return async (request, { log }) => {
    const metadata = parseMetadata(await readJson(request, OAUTH_BODY_LIMIT_BYTES));
    const client = await clients.register(metadata);
    log.audit("client-registered", { outcome: "success", client: client.id });
    return Response.json(clientInformation(client), {
      status: 201,
      headers: { "Cache-Control": "no-store" },
    });
  };
}

/** @throws OAuthError `invalid_client_metadata` or `invalid_redirect_uri` (RFC 7591 §3.2.2) */
export function parseMetadata(body: unknown): Pick<Client, "name" | "uri" | "redirectUris"> {
  const parsed = OAuthClientMetadataSchema.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    throw new OAuthError(
      issue?.path[0] === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata",
      `${field === "" ? "The registration" : field}: ${issue?.message ?? "is not valid"}`,
    );
  }
  const { client_name, client_uri, redirect_uris, response_types } = parsed.data;
  // RFC 7591 §2: response_types that leave out the only one there is cannot be served. Scope, grant_types
  // and the authentication method are clients' guesses: they restrict nothing, and what holds is returned.
  if (response_types !== undefined && !response_types.includes("code")) {
    throw new OAuthError("invalid_client_metadata", "response_types: must include code");
  }
  if (client_name !== undefined && client_name.length > MAX_NAME_LENGTH) {
    throw new OAuthError(
      "invalid_client_metadata",
      `client_name: may have ${MAX_NAME_LENGTH} characters`,
    );
  }
  if (client_uri !== undefined && client_uri.length > MAX_CLIENT_URI_LENGTH) {
    throw new OAuthError(
      "invalid_client_metadata",
      `client_uri: may have ${MAX_CLIENT_URI_LENGTH} characters`,
    );
  }
  requireRedirectUris(redirect_uris);
  return {
    name: client_name?.trim() || "Unnamed client",
    uri: client_uri,
    redirectUris: redirect_uris,
  };
}

function requireRedirectUris(uris: readonly string[]): void {
  if (uris.length === 0 || uris.length > MAX_REDIRECT_URIS) {
    throw new OAuthError(
      "invalid_redirect_uri",
      `redirect_uris: give 1 to ${MAX_REDIRECT_URIS} of them`,
    );
  }
  if (uris.join("").length > MAX_REDIRECT_URIS_LENGTH) {
    throw new OAuthError(
      "invalid_redirect_uri",
      `redirect_uris: may have ${MAX_REDIRECT_URIS_LENGTH} characters together`,
    );
  }
  for (const [index, uri] of uris.entries()) {
    const fault = redirectUriFault(uri);
    if (fault !== undefined) {
      throw new OAuthError("invalid_redirect_uri", `redirect_uris.${index}: ${fault}`);
    }
  }
}

/** RFC 7591 §3.2.1: everything that holds for the client, whatever it asked for. */
function clientInformation(client: Client) {
  return {
    client_id: client.id,
    client_id_issued_at: Math.floor(client.registeredAt / 1000),
    client_name: client.name,
    ...(client.uri !== undefined && { client_uri: client.uri }),
    redirect_uris: client.redirectUris,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
}
