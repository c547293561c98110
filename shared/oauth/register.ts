import { OAUTH_BODY_LIMIT_BYTES, readJson } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import { type ClientMetadata, parseClientMetadata } from "./clients/client-metadata.ts";
import type { RegisteredClients, Registration } from "./clients/registered-clients.ts";

/** `POST /register`: dynamic client registration (RFC 7591). */
export function registerHandler({ registered }: { registered: RegisteredClients }): Handler {
  return async (request, { log }) => {
    const metadata = parseClientMetadata(await readJson(request, OAUTH_BODY_LIMIT_BYTES));
    const registration = await registered.register(metadata);
    log.audit("client-registered", { outcome: "success", client: registration.client.id });
    return Response.json(clientInformation(registration, metadata), {
      status: 201,
      headers: { "Cache-Control": "no-store" },
    });
  };
}

/** RFC 7591 §3.2.1: everything that holds for the client, whatever it asked for. */
function clientInformation({ client, issuedAt, secret }: Registration, metadata: ClientMetadata) {
  const { authentication } = client;
  return {
    client_id: client.id,
    client_id_issued_at: Math.floor(issuedAt / 1000),
    // 0: the secret lives as long as the registration.
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    client_name: client.name,
    ...(client.uri !== undefined && { client_uri: client.uri }),
    redirect_uris: client.redirectUris,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    ...(metadata.applicationType !== undefined && { application_type: metadata.applicationType }),
    token_endpoint_auth_method: authentication.method,
    ...(authentication.method === "private_key_jwt" && {
      ...(authentication.algorithm !== undefined && {
        token_endpoint_auth_signing_alg: authentication.algorithm,
      }),
      ...("jwksUri" in authentication.keys
        ? { jwks_uri: authentication.keys.jwksUri }
        : { jwks: authentication.keys.jwks }),
    }),
  };
}
