import { readForm } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import type { AuthorizationCodeGrant } from "./authorization-code-grant.ts";
import type { Client, Clients } from "./clients.ts";
import { OAuthError } from "./oauth-error.ts";
import type { RefreshTokenGrant } from "./refresh-token-grant.ts";

/** `POST /token` (RFC 6749 §3.2). */
export function tokenHandler(deps: {
  clients: Clients;
  authorizationCode: AuthorizationCodeGrant;
  refreshToken: RefreshTokenGrant;
}): Handler {
  return async (request, context) => {
    const form = await readForm(request);
    const grant = chooseGrant(form.get("grant_type"), deps);
    const client = await authenticateClient(request, form, deps.clients);
    const tokens = await grant(form, client, context);
    return Response.json(tokens, {
      // RFC 6749 §5.1
      headers: { "Cache-Control": "no-store", Pragma: "no-cache" },
    });
  };
}

function chooseGrant(
  type: string | null,
  grants: { authorizationCode: AuthorizationCodeGrant; refreshToken: RefreshTokenGrant },
): AuthorizationCodeGrant | RefreshTokenGrant {
  switch (type) {
    case "authorization_code":
      return grants.authorizationCode;
    case "refresh_token":
      return grants.refreshToken;
    case null:
      throw new OAuthError("invalid_request", "grant_type is missing.");
    default:
      throw new OAuthError(
        "unsupported_grant_type",
        "grant_type must be authorization_code or refresh_token.",
      );
  }
}

/** RFC 6749 §3.2.1: a public client names itself; the grant is bound to it. */
export async function authenticateClient(
  request: Request,
  form: URLSearchParams,
  clients: Clients,
): Promise<Client> {
  const id = form.get("client_id");
  if (id === null) throw invalidClient(request, "client_id is missing.");
  const client = await clients.find(id);
  if (client === undefined) {
    throw invalidClient(request, "The client is not registered here. Register again.");
  }
  return client;
}

/** RFC 6749 §5.2: a client that tried the Authorization header is told of the scheme it used. */
function invalidClient(request: Request, description: string): OAuthError {
  return new OAuthError("invalid_client", description, {
    headers: request.headers.has("authorization")
      ? { "WWW-Authenticate": 'Basic realm="token"' }
      : {},
  });
}
