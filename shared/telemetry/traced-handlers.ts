import type { Handler } from "../http/context.ts";
import { countingLog } from "./counting-log.ts";
import type { Telemetry } from "./telemetry.ts";

/** The routes that are not called as their handlers are. */
const ROUTES: Readonly<Record<string, string>> = {
  home: "/",
  protectedResourceMetadata: "/.well-known/oauth-protected-resource",
  authorizationServerMetadata: "/.well-known/oauth-authorization-server",
  openIdConfiguration: "/.well-known/openid-configuration",
  jwks: "/.well-known/jwks.json",
};

/** Those that an endpoint answers with more than a refusal; others are the caller's to invent. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]);

/**
 * Puts each request into a span: method, route and status, and nothing else of it. The span ends with the answer's
 * head, so an open stream is not a request that takes hours.
 */
export function tracedHandlers<Handlers extends Readonly<Record<string, Handler>>>(
  handlers: Handlers,
  telemetry: Telemetry,
): Handlers {
  const traced = Object.entries(handlers).map(([name, handler]) => [
    name,
    tracedHandler(ROUTES[name] ?? `/${name}`, handler, telemetry),
  ]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same names as before
  return Object.fromEntries(traced) as Handlers;
}

function tracedHandler(route: string, handler: Handler, telemetry: Telemetry): Handler {
  return (request, context) => {
    const method = METHODS.has(request.method) ? request.method : "_OTHER";
    // The host has counted the request already. With the usual attributes of HTTP, Azure's exporter would take this
    // for a call to another server.
    const options = { name: `${method} ${route}`, attributes: { "http.route": route } };
    return telemetry.span(options, async (span) => {
      const log = countingLog(context.log, telemetry);
      const response = await handler(request, { ...context, log });
      span.set({ "http.status": response.status });
      if (response.status >= 500) span.fail(String(response.status));
      return response;
    });
  };
}
