import {
  createMcpHandler,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { serveCommands } from "../remote.ts";
import { measuredProcess } from "./measured-process.ts";
import { listen, nodeListener, type WebHandler } from "./node-adapter.ts";

/** The SDK's Streamable HTTP, with the same tool and nothing else, on the adapter that the app is on. */
function createServer(): McpServer {
  const server = new McpServer({ name: "bare", version: "1" });
  const schema = z.object({ text: z.string() });
  server.registerTool(
    "echo",
    {
      title: "Echo",
      description: "Answers with what it was given.",
      inputSchema: schema,
      outputSchema: schema,
      annotations: { readOnlyHint: true },
    },
    (output) => ({
      content: [{ type: "text", text: JSON.stringify(output, null, 2) }],
      structuredContent: output,
    }),
  );
  return server;
}

/** As of 2026-07-28: each request is complete in itself. */
function stateless(): WebHandler {
  const handler = createMcpHandler(createServer, { legacy: "reject" });
  return (request) => handler.fetch(request);
}

/** The 2025 revisions, with sessions that live in this process. */
function withSessions(): WebHandler {
  const transports = new Map<string, WebStandardStreamableHTTPServerTransport>();
  return async (request) => {
    const known = transports.get(request.headers.get("mcp-session-id") ?? "");
    if (known !== undefined) return known.handleRequest(request);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse: true,
      onsessioninitialized: (id) => {
        transports.set(id, transport);
      },
    });
    await createServer().connect(transport);
    return transport.handleRequest(request);
  };
}

const commands = {
  ...measuredProcess,

  /** @returns The URLs of the two. */
  async start(): Promise<{ stateless: string; withSessions: string }> {
    const origin = "http://localhost:7071";
    const [first, second] = await Promise.all([
      listen(nodeListener(origin, stateless())),
      listen(nodeListener(origin, withSessions())),
    ]);
    return { stateless: first.url, withSessions: second.url };
  },
};

export type BareMcp = typeof commands;

serveCommands(commands);
