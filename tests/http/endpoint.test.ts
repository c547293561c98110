import { describe, expect, it, vi } from "vitest";
import { MemoryRateLimiter } from "../../shared/http/rate-limiter.ts";
import { systemClock } from "../../shared/clock.ts";
import { ConcurrencyGate } from "../../shared/http/concurrency-gate.ts";
import { endpoint, type EndpointOptions } from "../../shared/http/endpoint.ts";
import { createContext } from "../support/request-context.ts";

const PUBLIC = {
  loopback: false,
  allowedOrigins: new Set(["https://mcp.example.com", "https://inspector.example"]),
  rateLimiter: new MemoryRateLimiter(1),
  gate: new ConcurrencyGate({ clock: systemClock, factor: 1 }),
};
const LOCAL = { ...PUBLIC, loopback: true };

const ok: NonNullable<EndpointOptions["methods"]["GET"]> = async (request) =>
  new Response(`answer to ${request.method}`, { headers: { "X-Own": "1" } });

function call(
  options: Partial<EndpointOptions>,
  method: string,
  headers: Record<string, string> = {},
  policy = PUBLIC,
): Promise<Response> {
  const complete = { surface: "oauth", cors: "none", methods: { GET: ok }, ...options } as const;
  const request = new Request("https://mcp.example.com/x", { method, headers });
  return endpoint(policy, complete)(request, createContext("id-1").context);
}

describe("the methods of an endpoint", () => {
  it("are answered by their handlers", async () => {
    const response = await call({}, "GET");
    expect([response.status, await response.text()]).toEqual([200, "answer to GET"]);
    const posted = await call({ methods: { POST: ok } }, "POST");
    expect(await posted.text()).toBe("answer to POST");
  });

  it.each<[Partial<EndpointOptions>, string, string]>([
    [{ methods: { GET: ok } }, "POST", "GET, HEAD, OPTIONS"],
    [{ methods: { POST: ok } }, "GET", "POST, OPTIONS"],
    [{ methods: { POST: ok } }, "HEAD", "POST, OPTIONS"],
    [{ methods: { GET: ok, POST: ok } }, "DELETE", "GET, HEAD, POST, OPTIONS"],
    [{ methods: { GET: ok }, stream: true }, "HEAD", "GET, OPTIONS"],
    [{ methods: { GET: ok } }, "PATCH", "GET, HEAD, OPTIONS"],
  ])("are 405 with Allow for others (RFC 9110 §15.5.6): %o %s", async (options, method, allow) => {
    const response = await call(options, method);
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
  });

  it("are told to a client; a person reads that the address is not theirs to open", async () => {
    const methods = { POST: ok };
    expect(await (await call({ methods }, "GET")).text()).toContain("Use POST or OPTIONS.");
    const page = await call({ methods, surface: "page" }, "GET");
    expect([page.status, page.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    expect(await page.text()).toContain("not one to open by itself");
  });

  it("answer HEAD like GET, without the body (RFC 9110 §9.3.2)", async () => {
    const response = await call({}, "HEAD");
    expect(response.status).toBe(200);
    expect(response.headers.get("x-own")).toBe("1");
    expect(await response.text()).toBe("");
  });

  it("say at OPTIONS what is allowed, without a body", async () => {
    const response = await call({ methods: { POST: ok } }, "OPTIONS");
    expect(response.status).toBe(204);
    expect(response.headers.get("allow")).toBe("POST, OPTIONS");
  });
});

describe("every answer", () => {
  it.each(["GET", "DELETE", "OPTIONS"])(
    "to %s names its request and forbids sniffing",
    async (method) => {
      const { headers } = await call({}, method);
      expect(headers.get("x-request-id")).toBe("id-1");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    },
  );
});

describe("CORS", () => {
  const evil = { origin: "https://evil.example" };
  const inspector = { origin: "https://inspector.example" };

  it("none lets no web page read the answer, nor ask for more", async () => {
    for (const method of ["GET", "OPTIONS"]) {
      const { headers } = await call({ cors: "none" }, method, inspector);
      expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });

  it("any lets every web page read the answer, errors too, but never with its cookies", async () => {
    for (const method of ["GET", "OPTIONS", "DELETE"]) {
      const { headers } = await call({ cors: "any" }, method, evil);
      expect(headers.get("access-control-allow-origin")).toBe("*");
      expect(headers.get("access-control-allow-credentials")).toBeNull();
      expect(headers.get("access-control-expose-headers")).toContain("WWW-Authenticate");
    }
  });

  it("allowed-origins names the origin that asks, and varies by it", async () => {
    const { status, headers } = await call({ cors: "allowed-origins" }, "GET", inspector);
    expect(status).toBe(200);
    expect(headers.get("access-control-allow-origin")).toBe("https://inspector.example");
    expect(headers.get("vary")).toContain("Origin");
  });

  it("allowed-origins refuses others before any handler runs, preflights too", async () => {
    const handler = vi.fn(ok);
    const methods = { GET: handler };
    for (const method of ["GET", "OPTIONS"]) {
      const response = await call({ cors: "allowed-origins", methods }, method, evil);
      expect(response.status).toBe(403);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
    expect(handler).not.toHaveBeenCalled();
  });

  it("allowed-origins lets callers through that are no browsers", async () => {
    expect((await call({ cors: "allowed-origins" }, "GET")).status).toBe(200);
  });

  it("repeats the headers that a preflight asks for: * does not cover Authorization", async () => {
    const asking = { ...inspector, "access-control-request-headers": "authorization, x-y" };
    const { headers } = await call({ cors: "allowed-origins" }, "OPTIONS", asking);
    expect(headers.get("access-control-allow-headers")).toBe("authorization, x-y");
    expect(headers.get("access-control-allow-methods")).toBe("GET, HEAD, OPTIONS");
    expect(headers.get("access-control-max-age")).toBe("3600");
  });
});

describe("the Host check", () => {
  it("holds on this machine only: in public the Host header is never used", async () => {
    const foreign = { host: "evil.example" };
    expect((await call({}, "GET", foreign, LOCAL)).status).toBe(403);
    expect((await call({}, "OPTIONS", foreign, LOCAL)).status).toBe(403);
    expect((await call({}, "GET", { host: "localhost:7071" }, LOCAL)).status).toBe(200);
    expect((await call({}, "GET", foreign, PUBLIC)).status).toBe(200);
  });
});
