import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import {
  forwardRequest,
  workerConnections,
} from "../../../tools/functions-host/forward-request.ts";
import { eventually, parse, send } from "./running-host.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

const listen = (listener: RequestListener): Promise<string> => originOf(createServer(listener));

async function originOf(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server on a port has an address of this kind
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function forwardTo(worker: string, activityTimeoutMs = 5_000): Promise<string> {
  const target = {
    httpUri: new URL(worker),
    agent: workerConnections(),
    activityTimeoutMs,
    onActivity: () => undefined,
  };
  return listen((request, response) =>
    forwardRequest(request, response, target, {
      path: request.url ?? "",
      invocationId: "id-1",
      body: undefined,
    }),
  );
}

test("a worker that never answers is 504 once nothing has moved for the activity timeout", async () => {
  const front = await forwardTo(await listen(() => undefined), 40);
  expect(await send(front, "GET", "/")).toMatchObject({ status: 504, body: "" });
});

test("an answer that stops moving is cut off", async () => {
  const worker = await listen((_request, response) => response.write("begun"));
  const front = await forwardTo(worker, 40);
  await expect(send(front, "GET", "/")).rejects.toThrow("aborted");
});

test("a worker that cannot be reached is 502", async () => {
  const front = await forwardTo("http://127.0.0.1:1");
  expect(await send(front, "GET", "/")).toMatchObject({ status: 502, body: "" });
});

test("a connection is let go before the worker closes it for having been idle", async () => {
  const worker = createServer({ keepAliveTimeout: 2_000 }, (_request, response) => response.end());
  const endedBy = new Promise((resolve) => {
    worker.on("connection", (socket) => {
      socket.on("end", () => resolve("front"));
      socket.on("close", () => resolve("worker"));
    });
  });
  await send(await forwardTo(await originOf(worker)), "GET", "/");
  expect(await endedBy).toBe("front");
});

test("an answer that the worker breaks off is broken off for the caller too", async () => {
  const worker = await listen((_request, response) => {
    response.writeHead(200, { "content-length": 100 }).write("begun");
    setImmediate(() => response.destroy());
  });
  await expect(send(await forwardTo(worker), "GET", "/")).rejects.toThrow("aborted");
});

test("headers that end at a hop are not forwarded, in either direction (RFC 9110 §7.6.1)", async () => {
  const worker = await listen((request, response) => {
    response.setHeader("connection", "x-mine");
    response.setHeader("x-mine", "1");
    response.setHeader("x-kept", ["1", "2"]);
    response.end(JSON.stringify(request.headers));
  });
  const { headers, body } = await send(await forwardTo(worker), "DELETE", "/", {
    headers: { connection: "x-hop", "x-hop": "1", te: "trailers", "x-kept": ["1", "2"] },
  });
  expect(headers).not.toHaveProperty("x-mine");
  expect(headers["x-kept"]).toBe("1, 2");
  const seen = parse<Record<string, string>>(body);
  expect(seen).not.toHaveProperty("x-hop");
  expect(seen).not.toHaveProperty("te");
  expect(seen).toMatchObject({ "x-kept": "1, 2", "x-ms-invocation-id": "id-1" });
});

test.each(["close", "keep-alive"])(
  "a caller that sends on after an early answer gets it, and no reset (Connection: %s)",
  async (connection) => {
    const worker = await listen((_request, response) => response.writeHead(413).end("too large"));
    const { hostname, port } = new URL(await forwardTo(worker));
    const socket = connect(Number(port), hostname);
    const events: string[] = [];
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("error", (error) => events.push(error.message));
    socket.on("end", () => events.push("ended"));
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    const piece = new Uint8Array(500_000);
    const pieces = 5;
    const length = piece.length * pieces;
    socket.write(
      `POST / HTTP/1.1\r\nhost: x\r\nconnection: ${connection}\r\ncontent-length: ${length}\r\n\r\n`,
    );
    await eventually(() => (received.endsWith("too large\r\n0\r\n\r\n") ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let sent = 0; sent < pieces; sent += 1) {
      await new Promise((resolve) => socket.write(piece, resolve));
    }
    events.push("sent all");
    if (connection === "keep-alive") {
      socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    }
    await closed;
    expect(events).toEqual(["sent all", "ended"]);
    expect(received.match(/HTTP\/1.1 413/g)).toHaveLength(connection === "keep-alive" ? 2 : 1);
  },
);
