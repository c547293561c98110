import { once } from "node:events";
import { get, type ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clientConnection } from "../../shared/http/client-connection.ts";
import { takeExchange } from "../../shared/http/exchanges.ts";
import { type LocalServer, startLocalServer } from "../support/local-server.ts";

let server: LocalServer;
/** The worker's side of each request, in the order in which they came. */
let arrivals: ReadableStreamDefaultReader<ServerResponse>;
beforeEach(async () => {
  const { readable, writable } = new TransformStream<ServerResponse, ServerResponse>();
  const writer = writable.getWriter();
  arrivals = readable.getReader();
  server = await startLocalServer((_, response) => void writer.write(response));
});
afterEach(() => server.stop());

/** A request as the Functions host forwards it: a real one, over a socket. */
async function forward(invocationId: string) {
  const headers = { "x-ms-invocation-id": invocationId };
  const client = get(server.url, { headers, agent: false });
  client.on("error", () => undefined);
  const { value: response } = await arrivals.read();
  if (response === undefined) throw new Error("no request came");
  return { client, response };
}

/** What a handler is told of the connection of its call. */
function connectionOf(invocationId: string) {
  const exchange = takeExchange(invocationId);
  if (exchange === undefined) throw new Error("the request was not seen");
  return clientConnection(exchange.response);
}

describe("the end of a client's connection", () => {
  it("aborts the signal of its own invocation, and no other", async () => {
    const gone = await forward("gone");
    const stays = await forward("stays");
    const signal = connectionOf("gone").disconnected;
    const other = connectionOf("stays").disconnected;
    expect(signal.aborted).toBe(false);
    gone.response.write("data");
    gone.client.destroy();
    await once(signal, "abort");
    expect(other.aborted).toBe(false);
    stays.client.destroy();
    await once(other, "abort");
  });

  it("is no disconnect when the response has ended as it should", async () => {
    const { client, response } = await forward("ends");
    const signal = connectionOf("ends").disconnected;
    const closed = once(response, "close");
    response.end("done");
    const [answer] = (await once(client, "response")) as [NodeJS.ReadableStream];
    answer.resume();
    await closed;
    expect(signal.aborted).toBe(false);
  });

  it("is seen also where it came before anybody asked", async () => {
    const { client, response } = await forward("early");
    const closed = once(response, "close");
    client.destroy();
    await closed;
    expect(connectionOf("early").disconnected.aborted).toBe(true);
  });

  it("is no disconnect where the response had ended before anybody asked", async () => {
    const { client, response } = await forward("over");
    const closed = once(response, "close");
    response.end();
    const [answer] = (await once(client, "response")) as [NodeJS.ReadableStream];
    answer.resume();
    await closed;
    expect(connectionOf("over").disconnected.aborted).toBe(false);
  });
});

describe("a client that does not read", () => {
  it("leaves a backlog that can be seen, and can be cut off", async () => {
    const { client, response } = await forward("slow");
    const { backlog, cut } = connectionOf("slow");
    const block = Buffer.alloc(1024 * 1024);
    for (let n = 0; n < 32; n++) response.write(block);
    const [answer] = (await once(client, "response")) as [NodeJS.ReadableStream];
    expect(backlog()).toBeGreaterThan(block.byteLength);
    const broken = once(answer, "error");
    cut();
    answer.resume();
    await broken;
  });
});
