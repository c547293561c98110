import { MCP_BODY_LIMIT_BYTES, readJson } from "../../http/body.ts";
import type { Handler } from "../../http/context.ts";
import type { Resources } from "../../oauth/resources.ts";
import type { BearerCheck } from "../../sessions/bearer.ts";
import type { FeatureCalls } from "../feature-calls.ts";
import { requestsIn } from "./requests-in.ts";
import type { StatelessMcp } from "./stateless-mcp.ts";
import { requireScopes } from "./step-up.ts";

export interface McpDeps {
  readonly bearer: BearerCheck;
  readonly resources: Resources;
  readonly calls: FeatureCalls;
  readonly statelessMcp: StatelessMcp;
}

/** `POST /mcp`: Streamable HTTP. */
export function mcpHandler(deps: McpDeps): Handler {
  return async (request, context) => {
    const caller = await deps.bearer.check(request, "/mcp");
    const body = await readJson(request, MCP_BODY_LIMIT_BYTES);
    requireScopes(deps, caller, requestsIn(body), context);
    return deps.statelessMcp.answer(request, body, caller, context);
  };
}
