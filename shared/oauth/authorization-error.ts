/** RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6 and RFC 8707 §2 */
export type AuthorizationErrorCode =
  | "invalid_request"
  | "access_denied"
  | "unsupported_response_type"
  | "invalid_scope"
  | "invalid_target"
  | "interaction_required"
  | "request_not_supported"
  | "request_uri_not_supported"
  | "server_error"
  | "temporarily_unavailable";

/**
 * An error that goes back to the client by redirect. Thrown only once client and redirect URI have been
 * checked: before that, a redirect would make this server an open redirector (RFC 9700 §4.11).
 */
export class AuthorizationError extends Error {
  override name = "AuthorizationError";
  readonly code: AuthorizationErrorCode;

  constructor(code: AuthorizationErrorCode, description: string, options?: ErrorOptions) {
    super(description, options);
    this.code = code;
  }
}
