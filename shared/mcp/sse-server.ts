import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  type ServerNotification,
  type ServerRequest,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/server/validators/ajv";
import type { Change } from "../features/call.ts";
import { FeatureError } from "../features/feature-errors.ts";
import { SCOPES } from "../oauth/scopes.ts";
import { canAsk, isHeard } from "./client-capabilities.ts";
import type { Wire } from "./call-context.ts";
import { NO_STATE, type ProtocolState } from "./connection-rows.ts";
import type { CallFor, Incoming } from "./incoming.ts";
import { type FeatureCalls, toolError } from "./feature-calls.ts";
import { sendChange } from "./send-change.ts";
import { INSTRUCTIONS, SERVER_CAPABILITIES, SERVER_INFO } from "./server-info.ts";
import { inRounds, type Round } from "./sse-questions.ts";

/** What the SDK hands to a request handler. */
type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** What a client has told its connection after `initialize`. */
export type Told = Pick<ProtocolState, "subscriptions" | "logLevel">;

/** Who keeps it. */
export interface Keeping {
  /** As it is now: a client that initializes begins anew. */
  readonly told: () => Told;
  /** @throws where it could not be kept: the client is told. */
  readonly changed: (told: Told) => Promise<void>;
}

/** A protocol server for one client, and the way to tell it about changes. */
export interface SseServer {
  readonly server: Server;
  readonly announce: (change: Change) => Promise<void>;
}

/** What a call needs of the way it came, but for what the registration adds. */
export type SseWire = Pick<Wire, "beforeOwnEnd">;

/**
 * Registers the features on the SDK (v1), which serves HTTP+SSE.
 *
 * @param callFor Makes the context of a feature's call.
 * @param wireOf What it takes to end the session of a request, by the request's id.
 */
export function createSseServer(
  calls: FeatureCalls,
  callFor: (wire: Wire) => CallFor,
  wireOf: (requestId: string | number) => SseWire,
  keeping: Keeping = inMemory(),
): SseServer {
  const server = new Server(SERVER_INFO, {
    capabilities: SERVER_CAPABILITIES,
    instructions: INSTRUCTIONS,
    // The other SDK's makes its Ajv when there is an answer to check. This one's makes it at once, and there
    // is a server for each stream: it would be a third of what an idle one holds.
    jsonSchemaValidator: new AjvJsonSchemaValidator(),
  });
  const tell = (news: Partial<Told>) => keeping.changed({ ...keeping.told(), ...news });

  /** @returns What `FeatureCalls` wants to know of a request. */
  const incoming = (extra: Extra, round: Round = {}): Incoming => ({
    ...round,
    // Of the token that came with this very message.
    scopes: SCOPES.filter((scope) => extra.authInfo?.scopes.includes(scope)),
    traceparent: extra._meta?.["traceparent"],
    callFor: callFor({
      ...wireOf(extra.requestId),
      signal: extra.signal,
      canAsk: (kind) => canAsk(server.getClientCapabilities(), kind),
      async progress(progress) {
        const progressToken = extra._meta?.progressToken;
        if (progressToken === undefined) return;
        const params = { ...progress, progressToken };
        await extra.sendNotification({ method: "notifications/progress", params });
      },
      async log(level, data) {
        if (!isHeard(level, keeping.told().logLevel)) return;
        await extra.sendNotification({ method: "notifications/message", params: { level, data } });
      },
    }),
  });

  server.setRequestHandler(ListToolsRequestSchema, () => calls.listTools());
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    try {
      return await inRounds(server, extra.signal, (round) =>
        calls.callTool(params.name, params.arguments ?? {}, incoming(extra, round)),
      );
    } catch (error) {
      if (error instanceof FeatureError) return toolError(error);
      throw error;
    }
  });

  server.setRequestHandler(ListResourcesRequestSchema, (_request, extra) =>
    calls.listResources(incoming(extra)),
  );
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => calls.listResourceTemplates());
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }, extra) =>
    inRounds(server, extra.signal, (round) =>
      calls.readResource(params.uri, incoming(extra, round)),
    ),
  );
  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }, extra) => {
    calls.requireResource(uri, incoming(extra));
    await tell({ subscriptions: [...new Set([...keeping.told().subscriptions, uri])] });
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, async ({ params: { uri } }) => {
    await tell({ subscriptions: keeping.told().subscriptions.filter((it) => it !== uri) });
    return {};
  });

  server.setRequestHandler(ListPromptsRequestSchema, (_request, extra) =>
    calls.listPrompts(incoming(extra)),
  );
  server.setRequestHandler(GetPromptRequestSchema, ({ params }, extra) =>
    inRounds(server, extra.signal, (round) =>
      calls.renderPrompt(params.name, params.arguments ?? {}, incoming(extra, round)),
    ),
  );
  server.setRequestHandler(CompleteRequestSchema, ({ params: { ref, argument } }, extra) =>
    calls.complete(ref, argument, incoming(extra)),
  );
  server.setRequestHandler(SetLevelRequestSchema, async ({ params: { level } }) => {
    await tell({ logLevel: level });
    return {};
  });

  return {
    server,
    announce: (change) =>
      sendChange(server, change, (uri) => keeping.told().subscriptions.includes(uri)),
  };
}

/** For a client that nobody else serves. */
function inMemory(): Keeping {
  let told: Told = NO_STATE;
  return {
    told: () => told,
    async changed(news) {
      told = news;
    },
  };
}
