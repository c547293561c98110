import { Asking, type Incoming } from "../mcp/incoming.ts";
import { FeatureCalls, type ToolAnswer } from "../mcp/feature-calls.ts";
import type { Telemetry } from "./telemetry.ts";

/** Features, with a span for each call of a tool (OpenTelemetry's conventions for MCP). */
export class TracedFeatureCalls extends FeatureCalls {
  readonly #telemetry: Telemetry;

  constructor(deps: ConstructorParameters<typeof FeatureCalls>[0] & { telemetry: Telemetry }) {
    super(deps);
    this.#telemetry = deps.telemetry;
  }

  override callTool(
    name: string,
    input: unknown,
    incoming: Incoming,
  ): Promise<ToolAnswer | Asking> {
    // A name that is no tool's is the client's to choose.
    const known = this.inputSchema(name) !== undefined;
    const options = {
      name: known ? `tools/call ${name}` : "tools/call",
      attributes: {
        "mcp.method.name": "tools/call",
        ...(known && { "gen_ai.tool.name": name }),
      },
      // A link, not the parent: the call stays in the trace of the request that brought it, and whoever
      // sends the flag of a trace that is kept does not decide what we keep.
      link: incoming.traceparent,
    };
    return this.#telemetry.span(options, async (span) => {
      const answer = await super.callTool(name, input, incoming);
      if (answer instanceof Asking) span.set({ outcome: "asking" });
      else if (answer.isError === true) span.fail("tool_error");
      else span.set({ outcome: "success" });
      return answer;
    });
  }
}
