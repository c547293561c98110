import {
  type CacheHint,
  type InputRequest,
  inputRequired,
  type InputRequiredResult,
  McpServer,
  type ServerContext,
  specTypeSchemas,
} from "@modelcontextprotocol/server";
import type { Question } from "../../features/questions.ts";
import type { Session } from "../../sessions/sessions.ts";
import type { Wire } from "../call-context.ts";
import { canAsk, isHeard } from "../client-capabilities.ts";
import { Asking, type CallFor, type Incoming } from "../incoming.ts";
import type { FeatureCalls } from "../feature-calls.ts";
import { INSTRUCTIONS, SERVER_CAPABILITIES, SERVER_INFO } from "../server-info.ts";
import { callerOf } from "./caller-info.ts";
import type { SessionState } from "./session-state.ts";

/** What a client may keep (MCP 2026-07-28, caching): lists change with a release, and are told of then. */
const LIST: CacheHint = { ttlMs: 300_000, cacheScope: "private" };
/** A person's own prompts, the feeds that there are and what is read may be different the next moment. */
const OWN: CacheHint = { ttlMs: 0, cacheScope: "private" };

/** For so long a person may think, where the client is asked in the middle of a call (2025 revisions). */
const ROUND_TIMEOUT_MS = 600_000;

/** What a server of ours takes from where it serves. */
export interface FeatureServerOptions {
  readonly calls: FeatureCalls;
  /** Makes the context of a feature's call. */
  readonly callFor: (session: Session, wire: Wire) => CallFor;
  /** Called before a request ends its own session, so that it is answered first. */
  readonly beforeOwnEnd: (ctx: ServerContext) => void;
  /** What the client of a session keeps here (revisions of 2025); there is none where each request says it. */
  readonly state?: SessionState;
}

/**
 * Registers the features on the SDK (v2), which serves Streamable HTTP in all its revisions. The handlers
 * are of its low level: what `McpServer` would do for each tool, `FeatureCalls` has done once. It is an
 * `McpServer` for the check of `Mcp-Param-*` headers, which asks it for schemas.
 */
export class FeatureServer extends McpServer {
  readonly #options: FeatureServerOptions;

  constructor(options: FeatureServerOptions) {
    super(SERVER_INFO, {
      instructions: INSTRUCTIONS,
      inputRequired: { roundTimeoutMs: ROUND_TIMEOUT_MS },
      cacheHints: {
        "server/discover": LIST,
        "tools/list": LIST,
        "resources/list": OWN,
        "resources/templates/list": LIST,
        "prompts/list": OWN,
        "resources/read": OWN,
      },
    });
    this.#options = options;
    this.server.registerCapabilities(SERVER_CAPABILITIES);
    this.#register(options.calls);
    if (options.state !== undefined) this.#registerState(options.calls, options.state);
  }

  override toolInputSchemaJson(name: string): Record<string, unknown> | undefined {
    return this.#options.calls.inputSchema(name);
  }

  #register(calls: FeatureCalls): void {
    const { server } = this;
    server.setRequestHandler("tools/list", () => calls.listTools());
    server.setRequestHandler("tools/call", async ({ params }, ctx) =>
      toResult(await calls.callTool(params.name, params.arguments ?? {}, this.#incoming(ctx))),
    );
    server.setRequestHandler("resources/list", (_request, ctx) =>
      calls.listResources(this.#incoming(ctx)),
    );
    server.setRequestHandler("resources/templates/list", () => calls.listResourceTemplates());
    server.setRequestHandler("resources/read", async ({ params }, ctx) =>
      toResult(await calls.readResource(params.uri, this.#incoming(ctx))),
    );
    server.setRequestHandler("prompts/list", (_request, ctx) =>
      calls.listPrompts(this.#incoming(ctx)),
    );
    server.setRequestHandler("prompts/get", async ({ params }, ctx) =>
      toResult(await calls.renderPrompt(params.name, params.arguments ?? {}, this.#incoming(ctx))),
    );
    server.setRequestHandler("completion/complete", ({ params: { ref, argument } }, ctx) =>
      calls.complete(ref, argument, this.#incoming(ctx)),
    );
  }

  #registerState(calls: FeatureCalls, state: SessionState): void {
    const { server } = this;
    server.setRequestHandler("logging/setLevel", async ({ params: { level } }, ctx) => {
      await state.tell(callerOf(ctx), (told) => ({ ...told, logLevel: level }));
      return {};
    });
    server.setRequestHandler("resources/subscribe", async ({ params: { uri } }, ctx) => {
      calls.requireResource(uri, this.#incoming(ctx));
      await state.tell(callerOf(ctx), (told) => ({
        ...told,
        subscriptions: [...new Set([...told.subscriptions, uri])],
      }));
      return {};
    });
    server.setRequestHandler("resources/unsubscribe", async ({ params: { uri } }, ctx) => {
      await state.tell(callerOf(ctx), (told) => ({
        ...told,
        subscriptions: told.subscriptions.filter((it) => it !== uri),
      }));
      return {};
    });
  }

  #incoming(ctx: ServerContext): Incoming {
    const { session, scopes } = callerOf(ctx);
    return {
      scopes,
      callFor: this.#options.callFor(session, this.#wire(ctx)),
      answers: ctx.mcpReq.inputResponses,
      requestState: ctx.mcpReq.requestState<string>(),
      traceparent: ctx.mcpReq._meta?.["traceparent"],
    };
  }

  #wire(ctx: ServerContext): Wire {
    const { mcpReq } = ctx;
    return {
      signal: mcpReq.signal,
      beforeOwnEnd: () => this.#options.beforeOwnEnd(ctx),
      canAsk: (kind) => canAsk(this.server.getClientCapabilities(), kind),
      async progress(progress) {
        const progressToken = mcpReq._meta?.progressToken;
        if (progressToken === undefined) return;
        const params = { ...progress, progressToken };
        await mcpReq.notify({ method: "notifications/progress", params });
      },
      log: async (level, data) => {
        // From 2026-07-28 on each request says what its client wants to hear.
        if (mcpReq.envelope !== undefined) await mcpReq.log(level, data);
        else if (isHeard(level, this.#options.state?.logLevel)) {
          await mcpReq.notify({ method: "notifications/message", params: { level, data } });
        }
      },
    };
  }
}

/** What a feature asks is put to the client: by itself or, before 2026-07-28, by the SDK. */
function toResult<T>(outcome: T | Asking): T | InputRequiredResult {
  if (!(outcome instanceof Asking)) return outcome;
  const { questions, requestState } = outcome;
  const entries = Object.entries(questions);
  return inputRequired({
    inputRequests: Object.fromEntries(entries.map(([key, it]) => [key, toInputRequest(it)])),
    ...(requestState !== undefined && { requestState }),
  });
}

function toInputRequest(question: Question): InputRequest {
  switch (question.method) {
    case "elicitation/create":
      return checked(specTypeSchemas.ElicitRequest["~standard"].validate(question));
    case "sampling/createMessage":
      return checked(specTypeSchemas.CreateMessageRequest["~standard"].validate(question));
    case "roots/list":
      return inputRequired.listRoots();
  }
}

/** @throws TypeError where a feature asks in a way that the protocol has no words for. */
function checked<T>(outcome: { value: T } | { issues: unknown }): T {
  if ("value" in outcome) return outcome.value;
  throw new TypeError("a question that the protocol does not know", { cause: outcome.issues });
}
