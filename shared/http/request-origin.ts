import { HttpError } from "./errors.ts";

const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;

/**
 * A development server answers only to a loopback name, so that a web page cannot reach it through a
 * name of its own that resolves to this machine (DNS rebinding). In public the Host header is never used.
 *
 * @throws HttpError 403
 */
export function requireLoopbackHost(request: Request): void {
  const host = request.headers.get("host");
  if (host !== null && !LOOPBACK_HOST.test(host)) {
    throw new HttpError(403, "This development server answers only on localhost.");
  }
}

/**
 * MCP 2025-11-25, transports, security warning: the Origin header must be validated.
 *
 * @throws HttpError 403 for a browser origin that is neither ours nor in `ALLOWED_ORIGINS`.
 */
export function requireAllowedOrigin(request: Request, allowed: ReadonlySet<string>): void {
  const origin = request.headers.get("origin");
  if (origin !== null && !allowed.has(origin)) {
    throw new HttpError(403, "This web page may not call the server; see ALLOWED_ORIGINS.");
  }
}
