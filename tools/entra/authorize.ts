import { AadError } from "./aad-error.ts";
import { parseAuthorizationRequest, parseReplyTo } from "./authorization-request.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { sendError } from "./authorization-response.ts";
import { signInAction } from "./pending-sign-in.ts";
import { pickerPage } from "./picker-page.ts";
import type { Call, StandIn } from "./stand-in.ts";

/**
 * `GET /{tenant}/oauth2/v2.0/authorize`: checks the request and shows the account picker.
 * An error before client and redirect URI are known is a page, one after them is a redirect.
 *
 * @throws AadError for the error page
 */
export async function authorize(standIn: StandIn, call: Call): Promise<Response> {
  const query = call.url.searchParams;
  const replyTo = parseReplyTo(call.params["tenant"] ?? "", query);
  let request: AuthorizationRequest;
  try {
    request = parseAuthorizationRequest(replyTo, query);
  } catch (error) {
    if (error instanceof AadError) {
      return sendError(standIn, call, replyTo, error);
    }
    throw error;
  }
  return pickerPage(request, await signInAction(standIn, request));
}
