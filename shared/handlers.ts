import { accountActionHandler, accountHandler } from "./http/account.ts";
import { endpoint, type EndpointOptions, type EndpointPolicy } from "./http/endpoint.ts";
import { healthHandler } from "./http/health.ts";
import { homeHandler } from "./http/home.ts";
import { type Limit, LIMITS } from "./http/rate-limiter.ts";
import { notificationsHandler } from "./live/notifications.ts";
import { publishHandler } from "./live/publish.ts";
import { messageHandler } from "./mcp/message.ts";
import { sseHandler } from "./mcp/sse.ts";
import { mcpHandlers } from "./mcp/streamable/mcp.ts";
import { authorizeHandler } from "./oauth/authorize.ts";
import { callbackHandler } from "./oauth/callback.ts";
import { consentHandler } from "./oauth/consent.ts";
import {
  authorizationServerHandler,
  jwksHandler,
  openIdConfigurationHandler,
  protectedResourceHandler,
} from "./oauth/metadata.ts";
import { registerHandler } from "./oauth/register.ts";
import { revokeHandler } from "./oauth/revoke.ts";
import { tokenHandler } from "./oauth/token.ts";
import type { Parts } from "./parts.ts";
import { tracedHandlers } from "./telemetry/traced-handlers.ts";

type Methods = EndpointOptions["methods"];

/** A handler for each route, by the name that its trigger asks for. */
export function createHandlers(parts: Parts) {
  const policy: EndpointPolicy = {
    loopback: parts.loopback,
    allowedOrigins: new Set([parts.baseUrl, ...parts.allowedOrigins]),
    rateLimiter: parts.rateLimiter,
    gate: parts.gate,
  };
  const page = (methods: Methods, limit?: Limit) =>
    endpoint(policy, { surface: "page", cors: "none", methods, ...(limit && { limit }) });
  const oauth = (methods: Methods, limit?: Limit) =>
    endpoint(policy, { surface: "oauth", cors: "any", methods, ...(limit && { limit }) });
  const mcp = (methods: Methods) =>
    endpoint(policy, { surface: "mcp", cors: "allowed-origins", methods, stream: true });

  const handlers = {
    home: page({ GET: homeHandler(parts) }),
    health: oauth({ GET: healthHandler(parts) }),

    protectedResourceMetadata: oauth({ GET: protectedResourceHandler(parts) }),
    authorizationServerMetadata: oauth({ GET: authorizationServerHandler(parts) }),
    openIdConfiguration: oauth({ GET: openIdConfigurationHandler(parts) }),
    jwks: oauth({ GET: jwksHandler(parts) }),

    register: oauth({ POST: registerHandler(parts) }, LIMITS.register),
    authorize: page({ GET: authorizeHandler(parts) }, LIMITS.authorize),
    consent: page({ POST: consentHandler(parts) }, LIMITS.consent),
    callback: page({ GET: callbackHandler(parts) }, LIMITS.callback),
    token: oauth({ POST: tokenHandler(parts) }, LIMITS.token),
    revoke: oauth({ POST: revokeHandler(parts) }, LIMITS.token),

    account: page(
      { GET: accountHandler(parts), POST: accountActionHandler(parts) },
      LIMITS.account,
    ),

    notifications: oauth({ POST: notificationsHandler(parts) }, LIMITS.notifications),
    publish: oauth({ POST: publishHandler(parts) }, LIMITS.publish),

    sse: mcp({ GET: sseHandler(parts) }),
    mcp: mcp(mcpHandlers(parts)),
    message: mcp({ POST: messageHandler(parts) }),
  };
  return tracedHandlers(handlers, parts.telemetry);
}

export type Handlers = ReturnType<typeof createHandlers>;
