import { isLegacyRequest } from "@modelcontextprotocol/server";
import { MCP_BODY_LIMIT_BYTES, readJson } from "../../http/body.ts";
import type { Handler } from "../../http/context.ts";
import { HttpError } from "../../http/errors.ts";
import type { Resources } from "../../oauth/resources.ts";
import type { BearerCheck } from "../../sessions/bearer.ts";
import type { FeatureCalls } from "../feature-calls.ts";
import { requestsIn } from "./requests-in.ts";
import type { SessionMcp } from "./session-mcp.ts";
import type { StatelessMcp } from "./stateless-mcp.ts";
import { requireScopes } from "./step-up.ts";

/** The first revision without sessions. */
const STATELESS_FROM = "2026-07-28";

export interface McpDeps {
  readonly bearer: BearerCheck;
  readonly resources: Resources;
  readonly calls: FeatureCalls;
  readonly statelessMcp: StatelessMcp;
  readonly sessionMcp: SessionMcp;
}

/** `/mcp`: Streamable HTTP. Each request says, in its body, of which revision it is. */
export function mcpHandlers(deps: McpDeps): Record<"GET" | "POST" | "DELETE", Handler> {
  return {
    async POST(request, context) {
      const caller = await deps.bearer.check(request, "/mcp");
      const body = await readJson(request, MCP_BODY_LIMIT_BYTES);
      requireScopes(deps, caller, requestsIn(body), context);
      const legacy = namesNoRevision(request, body) || (await isLegacyRequest(request, body));
      const revisions = legacy ? deps.sessionMcp : deps.statelessMcp;
      return revisions.post(request, body, caller, context);
    },
    async GET(request, context) {
      const caller = await deps.bearer.check(request, "/mcp");
      requireSessions(request);
      return deps.sessionMcp.get(request, caller, context);
    },
    async DELETE(request) {
      const caller = await deps.bearer.check(request, "/mcp");
      requireSessions(request);
      return deps.sessionMcp.delete(request, caller);
    },
  };
}

/** MCP 2026-07-28, Streamable HTTP: POST only. */
function requireSessions(request: Request): void {
  if ((request.headers.get("mcp-protocol-version") ?? "") < STATELESS_FROM) return;
  throw new HttpError(405, "Use POST.", { headers: { Allow: "POST" } });
}

/**
 * Whether a message can only be of 2025: its header says so, and without `_meta` it cannot say otherwise. The SDK
 * would come to the same, by parsing the message several times.
 */
function namesNoRevision(request: Request, body: unknown): boolean {
  const version = request.headers.get("mcp-protocol-version");
  if (version === null || version >= STATELESS_FROM) return false;
  if (typeof body !== "object" || body === null || Array.isArray(body)) return false;
  const params: unknown = "params" in body ? body.params : undefined;
  return typeof params !== "object" || params === null || !("_meta" in params);
}
