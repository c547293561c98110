import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { z } from "zod";
import { serveCommands } from "../remote.ts";
import { measuredProcess } from "./measured-process.ts";
import { listen } from "./node-adapter.ts";

/** The SDK's HTTP+SSE server on plain `node:http`, with the same tool and nothing else. */
const transports = new Map<string, SSEServerTransport>();

function createServer(): McpServer {
  const server = new McpServer({ name: "bare", version: "1" });
  const text = z.string();
  server.registerTool(
    "echo",
    {
      title: "Echo",
      description: "Answers with what it was given.",
      inputSchema: { text },
      outputSchema: { text },
      annotations: { readOnlyHint: true },
    },
    (output) => ({
      content: [{ type: "text", text: JSON.stringify(output, null, 2) }],
      structuredContent: output,
    }),
  );
  return server;
}

const commands = {
  ...measuredProcess,

  /** @returns Its URL. */
  async start(): Promise<string> {
    const { url } = await listen((incoming, outgoing) => {
      if (incoming.method === "GET") {
        const transport = new SSEServerTransport("/message", outgoing);
        transports.set(transport.sessionId, transport);
        outgoing.once("close", () => transports.delete(transport.sessionId));
        void createServer().connect(transport);
        return;
      }
      const id = new URL(incoming.url ?? "/", "http://bare").searchParams.get("sessionId") ?? "";
      void transports.get(id)?.handlePostMessage(incoming, outgoing);
    });
    return url;
  },
};

export type BareSse = typeof commands;

serveCommands(commands);
