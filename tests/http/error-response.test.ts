import { describe, expect, it } from "vitest";
import { EntraError } from "../../shared/entra/entra.ts";
import { MemoryRateLimiter } from "../../shared/http/rate-limiter.ts";
import { systemClock } from "../../shared/clock.ts";
import { ConcurrencyGate } from "../../shared/http/concurrency-gate.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import { errorResponse, type Surface } from "../../shared/http/error-response.ts";
import { HttpError, PageError } from "../../shared/http/errors.ts";
import { OAuthError } from "../../shared/oauth/oauth-error.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { createContext } from "../support/request-context.ts";

const SURFACES: Surface[] = ["page", "oauth", "mcp"];

const SECRET = "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1";
const leaky = () => new Error(`connect failed with ${SECRET}`, { cause: new Error("inner") });

const answer = (error: unknown, surface: Surface) =>
  errorResponse(error, surface, createContext("id-1").context);

describe.each(SURFACES)("an error on the %s surface", (surface) => {
  it("tells nothing of an unexpected fault but its request id; the log has the rest", async () => {
    const { context, lines } = createContext("id-1");
    const methods = { GET: () => Promise.reject(leaky()) };
    const policy = {
      loopback: false,
      allowedOrigins: new Set<string>(),
      rateLimiter: new MemoryRateLimiter(1),
      gate: new ConcurrencyGate({ clock: systemClock, factor: 1 }),
    };
    const handler = endpoint(policy, { surface, cors: "none", methods });
    const response = await handler(new Request("https://mcp.example.com"), context);
    const text = JSON.stringify([await response.text(), ...response.headers]);
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(text).toContain("id-1");
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain("error-response.test");
    expect(lines.join()).toContain(SECRET);
    expect(lines.join()).toContain("caused by Error: inner");
  });

  it("is answered also when the handler throws before it returns a promise", async () => {
    const methods = {
      GET: () => {
        throw leaky();
      },
    };
    const policy = {
      loopback: false,
      allowedOrigins: new Set<string>(),
      rateLimiter: new MemoryRateLimiter(1),
      gate: new ConcurrencyGate({ clock: systemClock, factor: 1 }),
    };
    const handler = endpoint(policy, { surface, cors: "none", methods });
    const request = new Request("https://mcp.example.com");
    expect((await handler(request, createContext().context)).status).toBe(503);
  });

  it.each([new StorageUnavailable("x"), new EntraError("transient", undefined)])(
    "is 503 with Retry-After for an outage: %s",
    async (error) => {
      const response = answer(error, surface);
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
      expect(await response.text()).toContain("cannot reach");
    },
  );

  it.each(["a string", undefined, null, { status: 200 }])(
    "is 503 whatever was thrown: %j",
    (thrown) => {
      expect(answer(thrown, surface).status).toBe(503);
    },
  );

  it("is never cached", () => {
    for (const error of [leaky(), new HttpError(413, "Too large")]) {
      expect(answer(error, surface).headers.get("cache-control")).toContain("no-store");
    }
  });

  it("keeps status, message and headers of an HttpError, and is not logged as a fault", async () => {
    const { context, lines } = createContext();
    const error = new HttpError(405, "Use POST.", { headers: { Allow: "POST" } });
    const response = errorResponse(error, surface, context);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await response.text()).toContain("Use POST.");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^info \{"event":"request-refused","status":405,/);
  });
});

describe("the log of a refusal", () => {
  it("says which page a person was shown, and nothing of the sort to a client", () => {
    const { context, lines } = createContext();
    const page = { title: "Too old", message: "m", whatToDo: "w" };
    errorResponse(new PageError(400, page), "page", context);
    errorResponse(new OAuthError("invalid_grant", "Sign in again."), "oauth", context);
    expect(lines[0]).toContain('"status":400,"error":"invalid_request","page":"Too old"');
    expect(lines[1]).toContain('"status":400,"error":"invalid_grant"');
    expect(lines[1]).not.toContain('"page"');
  });
});

describe("the form of an error", () => {
  it("is JSON with error and error_description for OAuth clients (RFC 6749 §5.2)", async () => {
    const cause = new Error(SECRET);
    const response = answer(new OAuthError("invalid_grant", "Sign in again.", { cause }), "oauth");
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: "invalid_grant",
      error_description: "Sign in again. (request id-1)",
    });
  });

  it("is temporarily_unavailable for a fault of ours: on other codes clients drop their tokens", async () => {
    expect(await answer(leaky(), "oauth").json()).toMatchObject({
      error: "temporarily_unavailable",
    });
  });

  it("is a JSON-RPC error for MCP clients, with the challenge beside it (RFC 6750 §3)", async () => {
    const headers = { "WWW-Authenticate": "Bearer x" };
    const response = answer(new OAuthError("invalid_token", "Sign in.", { headers }), "mcp");
    expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer x"]);
    expect(await response.json()).toEqual({
      jsonrpc: "2.0",
      id: null,
      error: { code: -32_600, message: "Sign in.", data: { requestId: "id-1" } },
    });
  });

  it("has the code for internal errors when the fault is ours (JSON-RPC 2.0 §5.1)", async () => {
    expect(await answer(leaky(), "mcp").json()).toMatchObject({ error: { code: -32_603 } });
  });

  it("is a page for a person, that says what to do and escapes what it shows", async () => {
    const text = { title: "Not <here>", message: "The link is old.", whatToDo: "Start again." };
    const response = answer(new PageError(410, text), "page");
    expect(response.status).toBe(410);
    expect(response.headers.get("content-type")).toContain("text/html");
    const page = await response.text();
    expect(page).toContain("Not &lt;here&gt;");
    expect(page).toContain("The link is old.");
    expect(page).toContain("Start again.");
    expect(page).toContain("id-1");
  });
});
