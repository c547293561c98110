import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  eventually,
  FIXTURE_ROOT,
  parse,
  send,
  startFixture,
  type RunningHost,
} from "./running-host.ts";

// Each line of "The worker's contract", held against the host with the real library behind it.

interface FixtureEvent {
  type: string;
  id: string;
  writableEnded?: boolean;
  afterMs?: number;
  backlog?: number;
  reasons?: string;
}

interface Inspection {
  method: string;
  url: string;
  headers: Record<string, string>;
  params: Record<string, string>;
  query: Record<string, string>;
  body: string;
  invocationId: string;
  trigger: Record<string, unknown>;
  traceParent: string;
  forwarded: Record<string, string>;
}

let running: RunningHost;
beforeAll(async () => {
  running = await startFixture();
});
afterAll(async () => {
  await running.host.stop();
});

async function inspect(
  method: string,
  path: string,
  init?: Parameters<typeof send>[3],
): Promise<Inspection> {
  const { body } = await send(running.url, method, path, init);
  return parse<Inspection>(body);
}

async function event(matches: (event: FixtureEvent) => boolean): Promise<FixtureEvent> {
  return eventually(async () => {
    const { body } = await send(running.url, "GET", "/events");
    return parse<FixtureEvent[]>(body).find(matches);
  });
}

/** Opens a request and gives the response as soon as its head is there. */
function open(path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${running.url}${path}`, { agent: false }, resolve);
    request.on("error", reject);
    request.end();
  });
}

function sizeOf(chunk: unknown): number {
  return chunk instanceof Uint8Array ? chunk.length : 0;
}

async function status(method: string, path: string): Promise<number> {
  return (await send(running.url, method, path)).status;
}

describe("routing", () => {
  test("no regard to case, a trailing slash ignored", async () => {
    expect(await status("GET", "/POD")).toBe(200);
    expect(await status("GET", "/pod/")).toBe(200);
  });

  test("the first match in alphabetical order of function names answers", async () => {
    expect((await send(running.url, "GET", "/order/special")).body).toBe("A");
  });

  test("an unknown route is 404 with an empty body", async () => {
    const { status: code, headers, body } = await send(running.url, "GET", "/nothing/here");
    expect({ code, body, type: headers["content-type"] }).toEqual({ code: 404, body: "" });
    expect(headers["content-length"]).toBe("0");
  });

  test("a method that is not listed is 404, HEAD on a GET function and OPTIONS too", async () => {
    for (const method of ["HEAD", "OPTIONS", "PUT", "PATCH"]) {
      expect(await status(method, "/pod")).toBe(404);
    }
  });

  test("name/{*rest} also matches name", async () => {
    expect((await inspect("GET", "/inspect/one")).params).toEqual({ first: "one" });
    const { params } = await inspect("GET", "/inspect/one/two/three");
    expect(params).toEqual({ first: "one", rest: "two/three" });
  });

  test("{ignored:maxlength(0)?} is the root with AzureWebJobsDisableHomepage, and only the root", async () => {
    expect((await send(running.url, "GET", "/")).body).toBe("the app's root");
    expect(await status("POST", "/")).toBe(204);
  });

  test("a route that begins with admin or runtime is refused, the others are served", async () => {
    expect(await status("GET", "/administration")).toBe(404);
    expect(running.lines.join("\n")).toContain("The 'builtin' function is in error");
  });
});

describe("a request", () => {
  test("x-ms-invocation-id is the host's, over the caller's own", async () => {
    const { headers, body } = await send(running.url, "GET", "/inspect/a", {
      headers: { "x-ms-invocation-id": "mine" },
    });
    const { invocationId, forwarded } = parse<Inspection>(body);
    expect(forwarded["x-ms-invocation-id"]).toBe(invocationId);
    expect(headers["x-ms-invocation-id"]).toBe(invocationId);
    expect(invocationId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("headers come lower-cased, repeated ones joined with a comma", async () => {
    const { headers } = await inspect("GET", "/inspect/a", {
      headers: { "X-Many": ["1", "2"], "X-Forwarded-For": "203.0.113.9" },
    });
    expect(headers["x-many"]).toBe("1,2");
    // The app sees what the caller sent; what YARP sets goes to the library only.
    expect(headers["x-forwarded-for"]).toBe("203.0.113.9");
  });

  test("its metadata, and so the headers that the library reads, are the caller's to write", async () => {
    const headers = { cookie: "a=1", "content-type": "text/plain" };
    const forged = encodeURIComponent(JSON.stringify({ cookie: "a=2" }));
    const query = await inspect("GET", `/inspect/a?Headers=${forged}`, { headers });
    expect(query.headers).toEqual({ cookie: "a=2" });
    const body = JSON.stringify({ Headers: { cookie: "a=3" } });
    const length = { ...headers, "content-length": String(body.length) };
    const member = await inspect("POST", "/inspect/a", { headers: length, body });
    expect(member).toMatchObject({ headers: { cookie: "a=3" }, body });
    expect((await inspect("GET", "/inspect/a?headers=x", { headers })).headers).toEqual({});
    // Neither of these writes anything.
    const chunked = { ...headers, "transfer-encoding": "chunked" };
    expect((await inspect("POST", "/inspect/a", { headers: chunked, body })).headers).toMatchObject(
      { cookie: "a=1" },
    );
  });

  test("metadata that no header may have leaves the caller without an answer", async () => {
    const bad = encodeURIComponent(JSON.stringify({ "bad name": "x" }));
    const request = httpRequest(`${running.url}/inspect/a?Headers=${bad}`, { agent: false });
    const answered = new Promise((resolve) => request.on("response", () => resolve(true)));
    request.on("error", () => undefined);
    request.end();
    await eventually(() => running.lines.find((line) => line.includes("bad name")));
    const later = new Promise((resolve) => setTimeout(() => resolve(false), 150));
    expect(await Promise.race([answered, later])).toBe(false);
    request.destroy();
  });

  test("the URL is built from the forwarded host and scheme, which the host sets itself", async () => {
    const { url, forwarded } = await inspect("GET", "/inspect/a?b=%2F&b=2", {
      headers: {
        host: "other.example:8080",
        "x-forwarded-host": "evil",
        "x-forwarded-proto": "https",
      },
    });
    expect(url).toBe("http://other.example:8080/inspect/a?b=%2F&b=2");
    expect(forwarded).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-host": "other.example:8080",
      "x-forwarded-proto": "http",
    });
  });

  test("a port in Host that there cannot be is an empty 500", async () => {
    const answer = await send(running.url, "GET", "/pod", { headers: { host: "x:99999" } });
    expect(answer).toMatchObject({ status: 500, body: "" });
  });

  test("%2F stays encoded in a parameter and is escaped again in the URL", async () => {
    const { params, url } = await inspect("GET", "/inspect/a%2Fb%20c");
    expect(params["first"]).toBe("a%2Fb c");
    expect(new URL(url).pathname).toBe("/inspect/a%252Fb%20c");
  });

  test("bodies of every method arrive, with a length and chunked", async () => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      const length = { "content-length": "5" };
      const inspected = await inspect(method, "/inspect/a", { body: "büro", headers: length });
      expect(inspected.body).toBe("büro");
      const headers = { "transfer-encoding": "chunked" };
      expect((await inspect(method, "/inspect/a", { body: "chunks", headers })).body).toBe(
        "chunks",
      );
    }
    expect((await inspect("POST", "/inspect/a")).body).toBe("");
  });

  test("a binding keeps only what makes the way to the host and back", async () => {
    const { trigger } = await inspect("GET", "/inspect/a");
    expect(Object.keys(trigger).toSorted()).toEqual(["direction", "name", "properties", "type"]);
  });

  test("the trace context is the caller's, or a new one", async () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const { traceParent } = await inspect("GET", "/inspect/a", {
      headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` },
    });
    expect(traceParent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    // The host of this app records no traces.
    expect((await inspect("GET", "/inspect/a")).traceParent).toMatch(
      /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/,
    );
  });

  test("hooks before and after an invocation may change it", async () => {
    expect((await send(running.url, "GET", "/hooked")).body).toBe("result after before");
  });

  test("a function cannot be registered after the start", async () => {
    const { body } = await send(running.url, "GET", "/late");
    expect(body).toBe("A function can only be registered during app startup.");
  });
});

describe("an answer", () => {
  test("two Set-Cookie headers arrive as the last one; cookies arrive all", async () => {
    expect((await send(running.url, "GET", "/cookies")).headers["set-cookie"]).toEqual(["b=2"]);
    const { headers } = await send(running.url, "GET", "/cookies?listed");
    expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  });

  test("a redirect arrives as sent", async () => {
    const { status: code, headers } = await send(running.url, "GET", "/redirect");
    expect([code, headers.location]).toEqual([302, "https://example.com/?a=%2F"]);
  });

  test("an empty 202 arrives as sent", async () => {
    const answer = await send(running.url, "POST", "/accepted", { body: "x" });
    expect(answer).toMatchObject({ status: 202, body: "", headers: { "content-length": "0" } });
  });

  test("HEAD and OPTIONS arrive as sent where they are listed", async () => {
    const head = await send(running.url, "HEAD", "/headed");
    expect([head.status, head.headers["x-method"]]).toEqual([200, "HEAD"]);
    const options = await send(running.url, "OPTIONS", "/headed");
    expect([options.status, options.headers["x-method"]]).toEqual([204, "OPTIONS"]);
  });

  test("an early answer to a body that was never read works: 413 for 50 MB", async () => {
    const body = new Uint8Array(50 * 1_048_576);
    const answer = await send(running.url, "POST", "/refuse", { body });
    expect(answer).toMatchObject({ status: 413, body: "too large" });
  });

  test("a handler that throws leaves the caller without a status", async () => {
    let answered = false;
    const request = httpRequest(`${running.url}/throws`, { agent: false }, () => {
      answered = true;
    });
    request.on("error", () => undefined);
    request.end();
    const { id } = await event(({ type }) => type === "threw");
    await eventually(() => running.lines.find((line) => line.includes(`Failed, Id=${id}`)));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(answered).toBe(false);
    request.destroy();
    expect(await event((seen) => seen.type === "close" && seen.id === id)).toMatchObject({
      writableEnded: false,
    });
  });
});

describe("a stream", () => {
  test("its first bytes leave at once, and a client that goes away closes the worker's response", async () => {
    const response = await open("/stream");
    const id = await new Promise<string>((resolve) =>
      response.once("data", (chunk: Buffer) => resolve(chunk.toString().trim())),
    );
    expect(id).toBe(response.headers["x-ms-invocation-id"]);
    const left = performance.now();
    response.destroy();
    const close = await event((seen) => seen.type === "close" && seen.id === id);
    expect(close.writableEnded).toBe(false);
    expect(performance.now() - left).toBeLessThan(1_000);
  });

  test("a normal end closes it too, with writableEnded", async () => {
    const { headers } = await send(running.url, "GET", "/pod");
    const id = headers["x-ms-invocation-id"];
    const close = await event((seen) => seen.type === "close" && seen.id === id);
    expect(close.writableEnded).toBe(true);
  });

  test("a slow reader is no back-pressure: all is buffered, visible in writableLength", async () => {
    const response = await open("/flood");
    const id = response.headers["x-id"];
    const { backlog = 0 } = await event((seen) => seen.type === "flooded" && seen.id === id);
    expect(backlog).toBeGreaterThan(40 * 1_048_576);
    let received = 0;
    for await (const chunk of response) received += sizeOf(chunk);
    expect(received).toBe(64 * 1_048_576);
  });

  test("a slow reader that goes away is noticed all the same", async () => {
    const response = await open("/flood");
    const id = response.headers["x-id"];
    await event((seen) => seen.type === "flooded" && seen.id === id);
    response.destroy();
    const close = await event((seen) => seen.type === "close" && seen.id === id);
    expect(close.writableEnded).toBeDefined();
  });

  test("a caller that leaves in the middle of an upload makes the body read throw aborted", async () => {
    const request = httpRequest(`${running.url}/upload`, {
      agent: false,
      method: "POST",
      headers: { "transfer-encoding": "chunked" },
    });
    request.on("error", () => undefined);
    request.write(new Uint8Array(100_000), () => setTimeout(() => request.destroy(), 50));
    const { reasons } = await event(({ type }) => type === "upload failed");
    expect(reasons).toContain("aborted");
  });
});

describe("the host", () => {
  test("listens on 127.0.0.1 and, where there is one, on ::1", async () => {
    const { port } = new URL(running.url);
    const hasV6 = (networkInterfaces()["lo"] ?? []).some(({ address }) => address === "::1");
    for (const address of ["127.0.0.1", ...(hasV6 ? ["[::1]"] : [])]) {
      expect((await send(`http://${address}:${port}`, "GET", "/pod")).status).toBe(200);
    }
  });

  test("keeps a connection for the next request", async () => {
    const { hostname, port } = new URL(running.url);
    const socket = connect(Number(port), hostname);
    const head = `GET /pod HTTP/1.1\r\nhost: x\r\n\r\n`;
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.write(head + head);
    await eventually(() => (received.split("HTTP/1.1 200").length === 3 ? true : undefined));
    socket.destroy();
  });

  test("runs appStart hooks, and the app in its own folder with the settings of the file", async () => {
    expect(running.lines).toContain("local-1 appStart ran");
    const { body } = await send(running.url, "GET", "/pod");
    expect(parse(body)).toEqual({
      pod: "local-1",
      pid: running.host.instances[0]?.pid,
      setting: "from the file",
      cwd: FIXTURE_ROOT,
    });
  });

  test("writes context.log as one line with the function's name, past the log hooks and the level", async () => {
    await send(running.url, "GET", "/chatty");
    await send(running.url, "GET", "/quiet");
    const line = await eventually(() => running.lines.find((seen) => seen.includes("chatty:")));
    expect(line).toMatch(/^local-1 \S+ information chatty: a \*\*\* \| of two lines$/);
    await eventually(() => running.lines.find((seen) => seen.includes("quiet error")));
    expect(running.lines).toContain("local-1 plain output");
    expect(running.lines.join("\n")).not.toMatch(/not shown|quiet warning/);
  });

  test("runs timers in a process of their own that serves no HTTP", async () => {
    const { timers, instances } = running.host;
    expect(timers?.pid).not.toBe(instances[0]?.pid);
    const tick = await eventually(() => running.lines.find((line) => line.includes("tick in")));
    expect(tick).toContain("local-timers");
    expect(tick).toMatch(/tick in local-timers .*"isPastDue":false/);
    expect(running.lines.filter((line) => line.includes("tick in"))).toHaveLength(1);
  });

  test("runs a timer on demand and says how it went", async () => {
    await running.host.runTimer("tick");
    await eventually(() =>
      running.lines.filter((line) => line.includes("tick in")).length === 2 ? true : undefined,
    );
    await expect(running.host.runTimer("broken")).rejects.toThrow("the timer failed");
    await expect(running.host.runTimer("none")).rejects.toThrow("no timer function 'none'");
  });
});
