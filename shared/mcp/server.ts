import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  type ServerNotification,
  type ServerRequest,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import packageJson from "../../package.json" with { type: "json" };
import { branding } from "../branding.ts";
import { type Change, FeatureError } from "../features/feature.ts";
import { SCOPES, type Scope } from "../oauth/scopes.ts";
import { type CallFor, type FeatureCalls, UnknownFeature } from "./feature-calls.ts";

/** What the SDK hands to a request handler. */
export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** MCP 2025-11-25, resources: "Resource not found" */
const RESOURCE_NOT_FOUND = -32_002;

/** What a client has subscribed to, and who keeps it. */
export interface Subscriptions {
  readonly initial: readonly string[];
  /** @throws where it could not be kept: the client is told. */
  readonly changed: (uris: readonly string[]) => Promise<void>;
}

/** A protocol server for one client, and the way to tell it about changes. */
export interface McpServer {
  readonly server: Server;
  readonly announce: (change: Change) => Promise<void>;
}

/**
 * Registers the features on the SDK (v1): the one place where the two meet.
 *
 * @param callFor Makes the context of a feature's call from what the SDK knows about the request.
 */
export function createMcpServer(
  calls: FeatureCalls,
  callFor: (extra: Extra) => CallFor,
  kept: Subscriptions = { initial: [], changed: async () => undefined },
): McpServer {
  const server = new Server(
    {
      name: packageJson.name,
      title: branding.productName,
      version: packageJson.version,
    },
    {
      capabilities: {
        tools: {},
        resources: { subscribe: true },
        prompts: { listChanged: true },
        completions: {},
      },
      instructions: "Every tool acts as the signed-in person and sees only what they may see.",
    },
  );
  const subscriptions = new Set<string>(kept.initial);
  registerTools(server, calls, callFor);
  registerResources(server, calls, callFor, subscriptions, kept);
  registerPrompts(server, calls, callFor);
  return {
    server,
    async announce(change) {
      switch (change.kind) {
        case "resource-updated":
          if (subscriptions.has(change.uri)) {
            await server.sendResourceUpdated({ uri: change.uri });
          }
          break;
        case "prompts-changed":
          await server.sendPromptListChanged();
          break;
      }
    },
  };
}

function registerTools(
  server: Server,
  calls: FeatureCalls,
  callFor: (extra: Extra) => CallFor,
): void {
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: calls.tools.map(
      ({ name, title, description, annotations, inputSchema, outputSchema }) => ({
        name,
        title,
        description,
        annotations: { title, ...annotations },
        inputSchema: { ...inputSchema, type: "object" as const },
        outputSchema: { ...outputSchema, type: "object" as const },
      }),
    ),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) =>
    answering(async () => {
      const input = params.arguments ?? {};
      const outcome = await calls.callTool(params.name, input, scopesOf(extra), callFor(extra));
      const content = [{ type: "text" as const, text: outcome.text }];
      return outcome.ok
        ? { content, structuredContent: outcome.structured }
        : { content, isError: true };
    }),
  );
}

function registerResources(
  server: Server,
  calls: FeatureCalls,
  callFor: (extra: Extra) => CallFor,
  subscriptions: Set<string>,
  kept: Subscriptions,
): void {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: calls.resources.map(({ uri, name, title, description, mimeType }) => ({
      uri,
      name,
      title,
      description,
      mimeType,
    })),
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [] }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }, extra) =>
    answering(async () => {
      requireResource(calls, uri);
      const contents = await calls.readResource(uri, scopesOf(extra), callFor(extra));
      return { contents: [{ uri, ...contents }] };
    }),
  );
  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }) => {
    requireResource(calls, uri);
    subscriptions.add(uri);
    await kept.changed([...subscriptions]);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, async ({ params: { uri } }) => {
    subscriptions.delete(uri);
    await kept.changed([...subscriptions]);
    return {};
  });
}

function registerPrompts(
  server: Server,
  calls: FeatureCalls,
  callFor: (extra: Extra) => CallFor,
): void {
  server.setRequestHandler(ListPromptsRequestSchema, (_request, extra) =>
    answering(async () => ({
      prompts: (await calls.prompts(callFor(extra))).map(
        ({ name, title, description, arguments: args }) => ({
          name,
          title,
          description,
          arguments: args.map(({ name: argument, description: what, required }) => ({
            name: argument,
            description: what,
            required: required ?? false,
          })),
        }),
      ),
    })),
  );
  server.setRequestHandler(GetPromptRequestSchema, ({ params }, extra) =>
    answering(async () => {
      const values = params.arguments ?? {};
      const { description, text } = await calls.renderPrompt(
        params.name,
        values,
        scopesOf(extra),
        callFor(extra),
      );
      return {
        description,
        messages: [{ role: "user" as const, content: { type: "text" as const, text } }],
      };
    }),
  );
  server.setRequestHandler(CompleteRequestSchema, ({ params: { ref, argument } }, extra) =>
    answering(async () => {
      if (ref.type !== "ref/prompt") throw new UnknownFeature("There are no resource templates.");
      const values = await calls.completeArgument(
        ref.name,
        argument.name,
        argument.value,
        scopesOf(extra),
        callFor(extra),
      );
      // MCP 2025-11-25, completion: at most 100 values.
      const shown = values.slice(0, 100);
      const hasMore = values.length > shown.length;
      return { completion: { values: shown, total: values.length, hasMore } };
    }),
  );
}

/** The scopes of the token that came with this very message. */
function scopesOf(extra: Extra): readonly Scope[] {
  return SCOPES.filter((scope) => extra.authInfo?.scopes.includes(scope));
}

function requireResource(calls: FeatureCalls, uri: string): void {
  if (!calls.resources.some((resource) => resource.uri === uri)) {
    throw new McpError(RESOURCE_NOT_FOUND, "Resource not found", { uri });
  }
}

/** Errors of ours as the SDK's. */
async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UnknownFeature) {
      throw new McpError(ErrorCode.InvalidParams, error.message);
    }
    if (error instanceof FeatureError) {
      throw new McpError(ErrorCode.InvalidRequest, error.message);
    }
    throw error;
  }
}
