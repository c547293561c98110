import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { features } from "../../shared/features/all.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { type ConnectedClient, connectAs } from "../support/sdk-client.ts";

const CALENDAR = "/v1.0/me/calendarView";

// Whole systems start here, and a busy machine takes its time over that.
vi.setConfig({ testTimeout: 20_000 });

let stack: LocalStack;
let alice: ConnectedClient;

beforeAll(async () => {
  stack = await startLocalStack();
  alice = await connectAs(stack.baseUrl, "alice");
}, 60_000);
afterEach(() => stack.entra.reset());
afterAll(async () => {
  await alice.close();
  await stack.stop();
});

describe("tools/list", () => {
  it("offers every tool with a description and a schema for what goes in and what comes out", async () => {
    const { tools } = await alice.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(features.tools.map(({ name }) => name));
    for (const tool of tools) {
      expect(tool.description).toMatch(/\w+/);
      expect(tool.inputSchema).toMatchObject({ type: "object", properties: {} });
      expect(Object.keys(tool.outputSchema?.properties ?? {})).not.toEqual([]);
    }
    const listEvents = tools.find(({ name }) => name === "listEvents");
    expect(listEvents?.inputSchema.properties).toMatchObject({
      days: { type: "integer", minimum: 1, maximum: 31 },
      filter: { type: "string" },
    });
    expect(listEvents?.annotations?.readOnlyHint).toBe(true);
  });
});

describe("tools/call", () => {
  it("answers with structured content that fits the schema, and the same in words", async () => {
    // The SDK's client checks structured content against the schemas that it has listed.
    await alice.client.listTools();
    const result = await alice.client.callTool({ name: "getUserDetails" });
    expect(result.structuredContent).toMatchObject({ mail: "alice@contoso.example" });
    expect(result.content).toEqual([
      { type: "text", text: "Alice Example <alice@contoso.example>, Product Manager" },
    ]);
  });

  it("answers arguments that do not fit the schema with isError and what is wrong", async () => {
    const result = await alice.client.callTool({ name: "listEvents", arguments: { days: 99 } });
    expect(result).toMatchObject({ isError: true });
    expect(textOf(result)).toContain("days");
  });

  it("answers a tool that is not there with a JSON-RPC error", async () => {
    await expect(alice.client.callTool({ name: "no-such-tool" })).rejects.toMatchObject({
      code: -32_602,
    });
  });
});

describe("updateSettings", () => {
  it("leaves what is absent as it is, and getSettings shows it", async () => {
    const { client } = alice;
    const filters = { meetings: "review" };
    await client.callTool({ name: "updateSettings", arguments: { filters } });
    await client.callTool({ name: "updateSettings", arguments: { timeZone: "Europe/Berlin" } });
    const { structuredContent } = await client.callTool({ name: "getSettings" });
    expect(structuredContent).toEqual({ filters, timeZone: "Europe/Berlin", savedPrompts: [] });
  });

  it("keeps each person's settings apart", async () => {
    const bob = await connectAs(stack.baseUrl, "bob");
    await alice.client.callTool({ name: "updateSettings", arguments: { timeZone: "Asia/Tokyo" } });
    const { structuredContent } = await bob.client.callTool({ name: "getSettings" });
    expect(structuredContent).toEqual({ filters: {}, timeZone: "UTC", savedPrompts: [] });
    await bob.close();
  });

  it("refuses a time zone that does not exist and changes nothing", async () => {
    const { client } = alice;
    const before = await client.callTool({ name: "getSettings" });
    const result = await client.callTool({
      name: "updateSettings",
      arguments: { timeZone: "Mars/Olympus", filters: {} },
    });
    expect(result.isError).toBe(true);
    expect(await client.callTool({ name: "getSettings" })).toEqual(before);
  });
});

describe("listEvents", () => {
  it("shows the events in the person's time zone, and only those that a saved filter lets through", async () => {
    const { client } = alice;
    await client.callTool({
      name: "updateSettings",
      arguments: { timeZone: "Europe/Berlin", filters: { reviews: "design review" } },
    });
    const all = eventsOf(await client.callTool({ name: "listEvents", arguments: { days: 14 } }));
    const some = eventsOf(
      await client.callTool({ name: "listEvents", arguments: { days: 14, filter: "reviews" } }),
    );
    expect(all.timeZone).toBe("Europe/Berlin");
    expect(new Set(some.events.map(({ subject }) => subject))).toEqual(new Set(["Design review"]));
    expect(some.events.length).toBeLessThan(all.events.length);
  });

  it("reports progress page by page when the client asks for it", async () => {
    const seen: number[] = [];
    const result = await alice.client.callTool(
      { name: "listEvents", arguments: { days: 31 } },
      undefined,
      { onprogress: ({ progress }) => seen.push(progress) },
    );
    const { events } = eventsOf(result);
    expect(events.length).toBeGreaterThan(75);
    // The SDK's client drops the last one when it arrives together with the answer.
    expect(seen.slice(0, 3)).toEqual([25, 50, 75]);
    expect(seen.slice(3).every((progress) => progress <= events.length)).toBe(true);
  });

  it("stops what it is doing at Graph when the client cancels", async () => {
    // In the person's cache: what is held up is the call to Graph and nothing before it.
    await alice.client.callTool({ name: "listEvents", arguments: { days: 1 } });
    const before = calendarRequests();
    const abandoned = watchAbandonedRequests();
    stack.entra.set({ delayMs: 60_000 });
    const controller = new AbortController();
    const call = alice.client.callTool({ name: "listEvents" }, undefined, {
      signal: controller.signal,
    });
    const cancelled = expect(call).rejects.toThrow("no longer needed");
    await expect.poll(calendarRequests, { timeout: 5_000 }).toBe(before + 1);
    expect(abandoned.paths).toEqual([]);
    controller.abort("no longer needed");
    await cancelled;
    await expect.poll(() => abandoned.paths, { timeout: 5_000 }).toEqual([CALENDAR]);
    abandoned.stop();
    stack.entra.reset();
    // The connection goes on.
    expect((await alice.client.callTool({ name: "listEvents" })).isError).toBeFalsy();
  });

  it("answers isError where the client was not given calendar.read, and never asks Graph", async () => {
    const modest = await connectAs(stack.baseUrl, "alice", { scope: "mcp user.read" });
    const result = await modest.client.callTool({ name: "listEvents" });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain("calendar.read");
    expect(calendarRequests()).toBe(0);
    expect((await modest.client.callTool({ name: "getUserDetails" })).isError).toBeFalsy();
    await modest.close();
  });
});

function calendarRequests(): number {
  return stack.entra.requests()["graph.calendarView"] ?? 0;
}

/** Requests to the stand-in, which runs in this process, that their sender gave up before the answer. */
function watchAbandonedRequests() {
  const paths: string[] = [];
  const listener = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    response.on("close", () => {
      if (!response.writableFinished) paths.push(new URL(request.url ?? "", "http://x").pathname);
    });
  };
  subscribe("http.server.request.start", listener);
  return { paths, stop: () => unsubscribe("http.server.request.start", listener) };
}

function eventsOf(result: unknown) {
  const schema = z.object({
    structuredContent: z.object({
      timeZone: z.string(),
      events: z.array(z.object({ subject: z.string() })),
    }),
  });
  return schema.parse(result).structuredContent;
}

function textOf(result: unknown): string {
  const schema = z.object({ content: z.array(z.object({ text: z.string() })) });
  return schema
    .parse(result)
    .content.map(({ text }) => text)
    .join("\n");
}
