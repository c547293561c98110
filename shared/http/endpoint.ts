import type { ConcurrencyGate } from "./concurrency-gate.ts";
import type { Handler, RequestContext } from "./context.ts";
import { errorResponse, type Surface } from "./error-response.ts";
import { HttpError } from "./errors.ts";
import { OAuthError } from "../oauth/oauth-error.ts";
import { callerKey, type Limit, type RateLimiter } from "./rate-limiter.ts";
import { requireAllowedOrigin, requireLoopbackHost } from "./request-origin.ts";

/** What holds for every endpoint of an installation. */
export interface EndpointPolicy {
  readonly loopback: boolean;
  /** Browser origins that may call the MCP endpoints; ours is one of them. */
  readonly allowedOrigins: ReadonlySet<string>;
  readonly rateLimiter: RateLimiter;
  readonly gate: ConcurrencyGate;
}

export interface EndpointOptions {
  /** Who reads the answers. */
  readonly surface: Surface;
  /** Which web pages may read the answers: none, any, or those of {@link EndpointPolicy}. */
  readonly cors: "none" | "any" | "allowed-origins";
  /** By HTTP method. Where GET is a document, HEAD answers too; a stream has none. */
  readonly methods: Readonly<Partial<Record<"GET" | "POST" | "DELETE", Handler>>>;
  readonly stream?: boolean;
  /** For endpoints that anybody may call. */
  readonly limit?: Limit;
}

/**
 * Every endpoint is made here: Host and Origin check, CORS, 405, and the error boundary without which a
 * thrown error leaves a Functions caller waiting for ever.
 */
export function endpoint(policy: EndpointPolicy, options: EndpointOptions): Handler {
  const methods = allowedMethods(options);
  return async (request, context) => {
    const response = await answer(request, context).catch((error: unknown) =>
      errorResponse(error, options.surface, context),
    );
    return finish(request, response, context);
  };

  async function answer(request: Request, context: RequestContext): Promise<Response> {
    if (policy.loopback) requireLoopbackHost(request);
    if (options.cors === "allowed-origins") requireAllowedOrigin(request, policy.allowedOrigins);
    if (request.method === "OPTIONS") return preflight(request);
    const { limit } = options;
    return limit === undefined ? handle(request, context) : limited(limit, request, context);
  }

  async function limited(
    limit: Limit,
    request: Request,
    context: RequestContext,
  ): Promise<Response> {
    const caller = callerKey(request, context);
    const retryAfter =
      caller === undefined ? undefined : await policy.rateLimiter.take(limit, caller);
    if (retryAfter !== undefined) throw tooManyRequests(retryAfter);
    if (!(await policy.gate.enter(limit))) throw tooManyRequests(1);
    try {
      return await handle(request, context);
    } finally {
      policy.gate.leave(limit);
    }
  }

  async function handle(request: Request, context: RequestContext): Promise<Response> {
    switch (request.method) {
      case "GET":
      case "POST":
      case "DELETE": {
        const handler = options.methods[request.method];
        if (handler !== undefined) return handler(request, context);
        break;
      }
      case "HEAD":
        if (options.methods.GET !== undefined && options.stream !== true) {
          return withoutBody(await options.methods.GET(request, context));
        }
        break;
      default:
        break;
    }
    throw new HttpError(405, howToCall(), { headers: { Allow: methods.join(", ") } });
  }

  function howToCall(): string {
    if (options.surface !== "page") return `Use ${methods.join(" or ")}.`;
    return "This address is part of a sign-in, and not one to open by itself.";
  }

  function preflight(request: Request): Response {
    const headers = new Headers({ Allow: methods.join(", ") });
    if (options.cors !== "none") {
      headers.set("Access-Control-Allow-Methods", methods.join(", "));
      // `*` does not cover Authorization (Fetch §3.3.5), so the requested names are repeated.
      const requested = request.headers.get("access-control-request-headers");
      if (requested !== null) headers.set("Access-Control-Allow-Headers", requested);
      headers.set("Access-Control-Max-Age", "3600");
    }
    return new Response(null, { status: 204, headers });
  }

  function finish(request: Request, response: Response, { requestId }: RequestContext): Response {
    const { headers } = response;
    headers.set("X-Request-Id", requestId);
    headers.set("X-Content-Type-Options", "nosniff");
    // RFC 6797: once seen over https, never asked for over http.
    if (!policy.loopback) headers.set("Strict-Transport-Security", "max-age=31536000");
    const origin = request.headers.get("origin");
    if (options.cors === "any") {
      headers.set("Access-Control-Allow-Origin", "*");
    } else if (options.cors === "allowed-origins" && origin !== null) {
      headers.append("Vary", "Origin");
      if (policy.allowedOrigins.has(origin)) headers.set("Access-Control-Allow-Origin", origin);
    }
    if (options.cors !== "none") {
      headers.set(
        "Access-Control-Expose-Headers",
        "WWW-Authenticate, Mcp-Session-Id, Retry-After, X-Request-Id",
      );
    }
    return response;
  }
}

function tooManyRequests(retryAfter: number): OAuthError {
  return new OAuthError(
    "too_many_requests",
    `Too many requests. Wait ${retryAfter} seconds and try again.`,
    { headers: { "Retry-After": String(retryAfter) } },
  );
}

function allowedMethods({ methods, stream }: EndpointOptions): string[] {
  const get = methods.GET === undefined ? [] : stream === true ? ["GET"] : ["GET", "HEAD"];
  const others = (["POST", "DELETE"] as const).filter((method) => methods[method] !== undefined);
  return [...get, ...others, "OPTIONS"];
}

function withoutBody(response: Response): Response {
  return new Response(null, { status: response.status, headers: response.headers });
}
