/** The error codes that this server answers with, and their HTTP status. */
const STATUS = {
  // RFC 6749 §5.2
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  // RFC 8707 §2
  invalid_target: 400,
  // RFC 7591 §3.2.2
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  // RFC 6750 §3.1
  invalid_token: 401,
  insufficient_scope: 403,
  // Not in RFC 6749 for this endpoint, but the codes on which the MCP SDKs keep their tokens.
  temporarily_unavailable: 503,
  too_many_requests: 429,
} as const;

export type OAuthErrorCode = keyof typeof STATUS;

/** An error for an OAuth client, as JSON (RFC 6749 §5.2). Never sent to a redirect URI. */
export class OAuthError extends Error {
  override name = "OAuthError";
  readonly code: OAuthErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param description For the client's developer: what to change. It leaks nothing.
   * @param options.cause What really happened, for the log.
   */
  constructor(
    code: OAuthErrorCode,
    description: string,
    options: ErrorOptions & { headers?: Record<string, string> } = {},
  ) {
    super(description, options);
    this.code = code;
    this.status = STATUS[code];
    this.headers = options.headers ?? {};
  }
}
