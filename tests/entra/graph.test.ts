import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { EntraError } from "../../shared/entra/entra.ts";
import { Graph } from "../../shared/entra/graph.ts";
import { GraphError } from "../../shared/entra/graph-error.ts";
import { noTelemetry } from "../../shared/telemetry/telemetry.ts";
import { type LocalServer, startLocalServer } from "../support/local-server.ts";

const me = z.object({ name: z.string() });

let server: LocalServer;
let requests: IncomingMessage[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let controller: AbortController;
/** What was asked of Entra; it numbers the tokens it gives. */
let graphToken: ReturnType<typeof vi.fn<(...args: unknown[]) => Promise<string>>>;
let challenge: ReturnType<typeof vi.fn<(claims: string) => Promise<void>>>;
let graph: Graph;
beforeEach(async () => {
  requests = [];
  answer = (_, response) => response.end(`{"name":"Alice"}`);
  server = await startLocalServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  controller = new AbortController();
  graphToken = vi.fn(async () => `token-${graphToken.mock.calls.length}`);
  challenge = vi.fn(async () => undefined);
  graph = new Graph({
    baseUrl: server.url,
    signIn: { token: graphToken, challenge },
    signal: controller.signal,
    telemetry: noTelemetry,
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.stop();
});

const failure = async (path = "/v1.0/me") =>
  graph.get(path, me).then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a call to Graph", () => {
  it("is made with the person's token", async () => {
    expect(await graph.get("/v1.0/me", me, { headers: { Prefer: "x" } })).toEqual({
      name: "Alice",
    });
    expect(graphToken).toHaveBeenCalledExactlyOnceWith({ renew: false });
    expect(requests[0]?.headers).toMatchObject({ authorization: "Bearer token-1", prefer: "x" });
  });

  it("renews the token once when Graph refuses it", async () => {
    answer = (request, response) =>
      request.headers.authorization === "Bearer token-1"
        ? response.writeHead(401).end()
        : response.end(`{"name":"Alice"}`);
    expect(await graph.get("/v1.0/me", me)).toEqual({ name: "Alice" });
    expect(graphToken.mock.calls.map(([options]) => options)).toEqual([
      { renew: false },
      { renew: true },
    ]);
  });

  it("does not go on renewing", async () => {
    answer = (_, response) => response.writeHead(401).end();
    expect(await failure()).toMatchObject({ name: "GraphError", kind: "unauthorized" });
    expect(requests).toHaveLength(2);
  });

  it.each([
    [403, "denied"],
    [404, "not-found"],
    [429, "busy"],
    [500, "unexpected"],
    [502, "busy"],
    [503, "busy"],
    [504, "busy"],
    [400, "unexpected"],
  ])("says of %d that it is %s, and tells the person nothing of the body", async (status, kind) => {
    answer = (_, response) => response.writeHead(status).end(`{"secret":"of alice"}`);
    const error = await failure();
    expect(error).toBeInstanceOf(GraphError);
    expect(error).toMatchObject({ kind });
    expect((error as GraphError).message).not.toContain("secret");
    expect(String((error as GraphError).cause)).toContain(`Graph ${status}`);
  });

  it("keeps Graph's code and request id for the log, and none of its words, which can name people", async () => {
    const id = "6f1c1b9e-2c4d-4f0a-9d3e-5b7a8c9d0e1f";
    const message = "The mailbox of alice@contoso.example was not found.";
    const innerError = { date: "2026-01-01T00:00:00", "request-id": id };
    const error = { code: "ErrorItemNotFound", message, innerError };
    answer = (_, response) => response.writeHead(404).end(JSON.stringify({ error }));
    const { cause } = (await failure()) as GraphError;
    expect(String(cause)).toBe(`Error: Graph 404: ErrorItemNotFound, request ${id}`);
    answer = (_, response) => response.writeHead(500).end("no alice@contoso.example here");
    expect(String(((await failure()) as GraphError).cause)).not.toContain("alice");
  });

  it("is busy when the connection is cut", async () => {
    answer = (_, response) => response.destroy();
    expect(await failure()).toMatchObject({ name: "GraphError", kind: "busy" });
  });

  it.each(["<!doctype html>", "", `{"name":7}`, "null"])(
    "is unexpected when the answer is %j",
    async (body) => {
      answer = (_, response) => response.end(body);
      expect(await failure()).toMatchObject({ name: "GraphError", kind: "unexpected" });
    },
  );

  it("is busy when the answer breaks off", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": "100" }).write(`{"name"`);
      setImmediate(() => response.destroy());
    };
    expect(await failure()).toMatchObject({ name: "GraphError", kind: "busy" });
  });

  it("is busy, not a hang, when Graph does not answer", async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const spy = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(20));
    answer = () => undefined;
    expect(await failure()).toMatchObject({ name: "GraphError", kind: "busy" });
    expect(spy.mock.calls[0]?.[0]).toBeLessThanOrEqual(20_000);
  });

  it("passes on what Entra says about the token", async () => {
    graphToken.mockRejectedValue(new EntraError("session-over", "AADSTS50173"));
    expect(await failure()).toMatchObject({ name: "EntraError", kind: "session-over" });
    expect(requests).toHaveLength(0);
  });

  it("ends with the caller's reason when the caller has gone", async () => {
    const reason = new Error("the client cancelled");
    answer = () => controller.abort(reason);
    expect(await failure()).toBe(reason);
  });
});

describe("the person's token", () => {
  it("goes along the next page of Graph's own", async () => {
    await graph.get(`${server.url}/v1.0/me/events?$skip=25`, me);
    expect(requests[0]?.url).toBe("/v1.0/me/events?$skip=25");
  });

  it.each([
    "https://evil.example/v1.0/me",
    "//evil.example/v1.0/me",
    "http://127.0.0.1:1/v1.0/me",
    "\\\\evil.example\\v1.0",
  ])("does not go to another host, whatever a link says: %s", async (link) => {
    expect(await failure(link)).toMatchObject({ name: "GraphError", kind: "unexpected" });
    expect(graphToken).not.toHaveBeenCalled();
  });

  it("does not follow a redirect", async () => {
    const elsewhere: IncomingMessage[] = [];
    const other = await startLocalServer((request, response) => {
      elsewhere.push(request);
      response.end(`{"name":"Mallory"}`);
    });
    answer = (_, response) => response.writeHead(302, { location: other.url }).end();
    expect(await failure()).toBeInstanceOf(GraphError);
    expect(elsewhere).toEqual([]);
    await other.stop();
  });
});
