import { readForm } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import type { AuthorizationCodeGrant } from "./authorization-code-grant.ts";
import type { AuthenticateClient } from "./clients/client-authentication.ts";
import { OAuthError } from "./oauth-error.ts";
import type { RefreshTokenGrant } from "./refresh-token-grant.ts";

/** `POST /token` (RFC 6749 §3.2). */
export function tokenHandler(deps: {
  authenticate: AuthenticateClient;
  authorizationCode: AuthorizationCodeGrant;
  refreshToken: RefreshTokenGrant;
}): Handler {
  return async (request, context) => {
    const form = await readForm(request);
    const grant = chooseGrant(form.get("grant_type"), deps);
    const client = await deps.authenticate(request, form, context);
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
