import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeExchange } from "../../shared/http/exchanges.ts";
import { wireRequest } from "../../shared/http/wire-request.ts";
import { type LocalServer, startLocalServer } from "../support/local-server.ts";

let server: LocalServer;
/** What the handlers saw, by invocation id. */
let seen: Map<string, { request: Request; body: string }>;
beforeEach(async () => {
  seen = new Map();
  server = await startLocalServer((message, response) => {
    const id = String(message.headers["x-ms-invocation-id"]);
    void (async () => {
      const exchange = takeExchange(id);
      if (exchange !== undefined) {
        const request = wireRequest(exchange.message, "https://mcp.example.com");
        seen.set(id, { request, body: await request.text() });
      }
      response.end();
    })();
  });
});
afterEach(() => server.stop());

/** A request as the host forwards it: a real one, over a socket. */
function forward(
  id: string,
  headers: Record<string, string | string[]>,
  { method = "GET", path = "/x", body = "" } = {},
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sent = httpRequest(server.url, {
    method,
    path,
    agent: false,
    headers: { "x-ms-invocation-id": id, ...headers },
  });
  sent.on("error", reject);
  sent.on("response", (answer) => answer.resume().on("end", resolve));
  sent.end(body);
  return promise;
}

async function received(...args: Parameters<typeof forward>) {
  await forward(...args);
  const found = seen.get(args[0]);
  if (found === undefined) throw new Error("the request was not seen");
  return found;
}

describe("the request of an exchange", () => {
  it("is what came over the wire: method, path, query, headers and body", async () => {
    const headers = { "content-type": "text/plain", cookie: "a=1" };
    const options = { method: "POST", path: "/a%2Fb?Headers=%7B%7D&x=1", body: "büro" };
    const { request, body } = await received("whole", headers, options);
    expect([request.method, request.url, body]).toEqual([
      "POST",
      "https://mcp.example.com/a%2Fb?Headers=%7B%7D&x=1",
      "büro",
    ]);
    expect(request.headers.get("content-type")).toBe("text/plain");
    expect(request.headers.get("cookie")).toBe("a=1");
  });

  it("has the caller's Host, and nothing of what the host writes itself", async () => {
    const { request } = await received("host", {
      "x-forwarded-host": "mcp.example.com",
      "x-forwarded-for": "10.0.0.1",
      "x-forwarded-proto": "http",
    });
    const names = [...request.headers.keys()];
    expect(request.headers.get("host")).toBe("mcp.example.com");
    expect(names.filter((name) => name.startsWith("x-"))).toEqual([]);
  });

  it("has repeated headers in one, and cookies as one list", async () => {
    const { request } = await received("repeated", {
      accept: ["text/html", "text/plain"],
      authorization: ["Bearer a", "Bearer b"],
      cookie: ["a=1", "b=2"],
    });
    expect(request.headers.get("accept")).toBe("text/html, text/plain");
    expect(request.headers.get("authorization")).toBe("Bearer a, Bearer b");
    expect(request.headers.get("cookie")).toBe("a=1; b=2");
  });

  it.each(["x:99999", "a b", "user@host", "[::1", "", "%zz"])(
    "leaves the library a URL that it can read, whatever the Host: %j",
    async (host) => {
      const { request } = await received("odd-host", { "x-forwarded-host": host });
      expect(request.headers.get("host")).toBe(host);
    },
  );
});

describe("an exchange", () => {
  it("is taken once", async () => {
    await forward("once", {});
    expect(takeExchange("once")).toBeUndefined();
  });

  it("is unknown where no request came", () => {
    expect(takeExchange("never")).toBeUndefined();
  });
});
