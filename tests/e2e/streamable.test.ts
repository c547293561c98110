import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { UnauthorizedError } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { connectAs } from "../support/sdk-client.ts";
import {
  connectStreamable,
  type Era,
  type StreamableClient,
} from "../support/streamable-client.ts";
import { workKey } from "../support/work.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

const confirmed = {
  what: "Order soup",
  answer: '{"action":"accept","content":{"yes":true}}',
  rounds: 2,
};
const callConfirm = { name: "confirm", arguments: { what: "Order soup" } };

describe.each<Era>(["sessions", "stateless"])(
  "a client of the SDK (%s), three instances without affinity",
  (era) => {
    let alice: StreamableClient;
    const asked: string[] = [];
    beforeAll(async () => {
      alice = await connectStreamable(cluster.baseUrl, "alice", era, {
        prepare(client) {
          client.setRequestHandler("elicitation/create", ({ params }) => {
            asked.push(params.message);
            return { action: "accept", content: { yes: true } };
          });
        },
      });
    });
    afterAll(() => alice.close());

    it("signs in and speaks the revision that it asked for", async () => {
      const version = era === "sessions" ? "2025-11-25" : "2026-07-28";
      expect(alice.client.getNegotiatedProtocolVersion()).toBe(version);
      const { tools } = await alice.client.listTools();
      expect(tools.map(({ name }) => name)).toContain("getUserDetails");
      const { structuredContent } = await alice.client.callTool({ name: "getUserDetails" });
      expect(structuredContent).toMatchObject({ displayName: expect.any(String) as string });
    });

    it("is answered by every instance", async () => {
      const pids = new Set<unknown>();
      for (let n = 0; n < 9; n++) {
        const key = `${era}-${n}`;
        const result = await alice.client.callTool({ name: "work", arguments: { key } });
        expect(workKey(result)).toBe(key);
        pids.add((result.structuredContent as { pid: number }).pid);
      }
      expect(pids.size).toBe(3);
    });

    it("hears of progress, in order", async () => {
      const seen: number[] = [];
      await alice.client.callTool(
        { name: "work", arguments: { key: `${era}-progress`, ms: 200, progress: true } },
        { onprogress: ({ progress }) => void seen.push(progress) },
      );
      expect(seen).toEqual([0, 1, 2, 3]);
    });

    it("cancels a call, wherever the word arrives", async () => {
      for (let n = 0; n < 3; n++) {
        const key = `${era}-cancelled-${n}`;
        const controller = new AbortController();
        const call = alice.client.callTool(
          { name: "work", arguments: { key, ms: 30_000 } },
          { signal: controller.signal },
        );
        await expect.poll(async () => (await cluster.runs()).get(key)).toBe(1);
        controller.abort();
        await expect(call).rejects.toThrow();
        await expect.poll(async () => (await cluster.runs()).get(`${key} aborted`)).toBe(1);
      }
    });

    it("is asked in the middle of a call, and its answer finds the call", async () => {
      asked.length = 0;
      for (let n = 0; n < 3; n++) {
        const { structuredContent } = await alice.client.callTool(callConfirm);
        expect(structuredContent).toMatchObject(confirmed);
      }
      expect(asked).toEqual(Array.from({ length: 3 }, () => "Order soup?"));
    });

    it("hears of changes that another client of the person makes", async () => {
      const heard: string[] = [];
      const listening = await connectStreamable(cluster.baseUrl, "alice", era, {
        provider: alice.provider,
        prepare(client) {
          client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
            heard.push(params.uri);
          });
          client.setNotificationHandler("notifications/prompts/list_changed", () => {
            heard.push("prompts");
          });
        },
      });
      const uri = "settings://me";
      if (era === "sessions") await listening.client.subscribeResource({ uri });
      else {
        await listening.client.listen({ promptsListChanged: true, resourceSubscriptions: [uri] });
      }
      await expect
        .poll(async () => {
          const savedPrompts = [{ name: "p", text: `${heard.length}` }];
          await alice.client.callTool({ name: "updateSettings", arguments: { savedPrompts } });
          return new Set(heard).size;
        })
        .toBe(2);
      await listening.close();
    });
  },
);

describe.each<Era>(["sessions", "stateless"])("a client that needs more (%s)", (era) => {
  it("signs in again for it, keeps what it had, and goes on", async () => {
    const bob = await connectStreamable(cluster.baseUrl, "bob", era);
    expect(bob.provider.tokens()?.scope).toBe("mcp user.read");
    const call = () => bob.client.callTool({ name: "listEvents", arguments: { days: 3 } });
    await expect(call()).rejects.toBeInstanceOf(UnauthorizedError);
    const asked = bob.provider.authorizationUrl?.searchParams.get("scope");
    expect(new Set(asked?.split(" "))).toEqual(new Set(["mcp", "user.read", "calendar.read"]));
    await bob.signInAgain();
    expect(bob.provider.tokens()?.scope).toBe("mcp user.read calendar.read");
    for (let n = 0; n < 3; n++) {
      expect((await call()).structuredContent).toHaveProperty("events");
    }
    await bob.close();
  });
});

describe("a session", () => {
  it("ends at every instance with the client's word", async () => {
    const { transport, provider } = await connectStreamable(cluster.baseUrl, "alice", "sessions");
    const id = transport.sessionId ?? "";
    await transport.terminateSession();
    for (let n = 0; n < 3; n++) {
      const response = await fetch(new URL("/mcp", cluster.baseUrl), {
        headers: {
          accept: "text/event-stream",
          authorization: `Bearer ${provider.tokens()?.access_token}`,
          "mcp-session-id": id,
        },
      });
      expect(response.status).toBe(404);
    }
  });

  it("goes on where the connection breaks in the middle of a call, at any instance", async () => {
    let cuts = 0;
    let resumed = 0;
    const { client, close } = await connectStreamable(cluster.baseUrl, "alice", "sessions", {
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (new Headers(init?.headers).has("last-event-id")) resumed += 1;
        const isCall = typeof init?.body === "string" && init.body.includes("cut me");
        if (!isCall || response.body === null) return response;
        cuts += 1;
        return new Response(cutAfterFirstChunk(response.body), response);
      },
    });
    for (let n = 0; n < 3; n++) {
      const key = `cut me ${n}`;
      const call = { name: "work", arguments: { key, ms: 200, progress: true } };
      const result = await client.callTool(call, { onprogress: () => undefined });
      expect(workKey(result)).toBe(key);
      expect((await cluster.runs()).get(key)).toBe(1);
    }
    expect([cuts, resumed]).toEqual([3, 3]);
    await close();
  });

  it("serves a client of the SDK before this one, which speaks no later revision", async () => {
    const { provider } = await connectStreamable(cluster.baseUrl, "alice", "sessions");
    const client = new V1Client(
      { name: "test", version: "1" },
      { capabilities: { elicitation: {} } },
    );
    client.setRequestHandler(ElicitRequestSchema, () => ({
      action: "accept",
      content: { yes: true },
    }));
    const url = new URL("/mcp", cluster.baseUrl);
    // The SDK's own types disagree about an optional property.
    await client.connect(new V1Transport(url, { authProvider: provider }) as never);
    for (let n = 0; n < 3; n++) {
      expect((await client.callTool(callConfirm)).structuredContent).toMatchObject(confirmed);
    }
    await client.close();
  });
});

describe("HTTP+SSE", () => {
  it("asks a client in the middle of a call, as /mcp does", async () => {
    const { client, close } = await connectAs(cluster.baseUrl, "alice", {
      capabilities: { elicitation: {} },
    });
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      expect(params.message).toBe("Order soup?");
      return { action: "accept", content: { yes: true } };
    });
    for (let n = 0; n < 3; n++) {
      expect((await client.callTool(callConfirm)).structuredContent).toMatchObject(confirmed);
    }
    await close();
  });
});

/** The body of a connection that breaks once something has come. */
function cutAfterFirstChunk(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let chunks = 0;
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
      chunks += 1;
      if (chunks < 2) return;
      await reader.cancel();
      controller.error(new TypeError("terminated"));
    },
  });
}
