import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { features as product } from "../../../shared/features/all.ts";
import { defineTool } from "../../../shared/features/feature.ts";
import { jsonOf } from "../../support/answers.ts";
import { useFacade } from "../../support/facade.ts";
import { ModernWire } from "../../support/modern-wire.ts";

let ran = 0;
const adminOnly = defineTool({
  name: "adminOnly",
  title: "Admin only",
  description: "Is for administrators.",
  requires: "calendar.read",
  requiresRole: "Mcp.Admin",
  input: z.object({}),
  async run() {
    ran += 1;
    return "done";
  },
});
const facade = useFacade({}, { ...product, tools: [...product.tools, adminOnly] });

const token = async (scope: string, path = "/mcp") =>
  (await facade.client.tokens("alice", { resource: `${facade.app.baseUrl}${path}`, scope }))
    .access_token;

const post = (accessToken?: string, method = "tools/list", params = {}) =>
  new ModernWire(facade.app, accessToken).send(method, params);

/** @returns The parameters of a challenge (RFC 6750 §3). */
function challengeOf(response: Response): Record<string, string> {
  const header = response.headers.get("www-authenticate") ?? "";
  const parameters = header.replace(/^Bearer /, "").matchAll(/([a-z_]+)="([^"]*)"/g);
  return Object.fromEntries([...parameters].map(([, name = "", value = ""]) => [name, value]));
}

beforeEach(() => {
  ran = 0;
});

describe("the way in to /mcp", () => {
  it("begins with mcp and user.read, for clients can step up here", async () => {
    const response = await post();
    expect(response.status).toBe(401);
    const metadata = `${facade.app.baseUrl}/.well-known/oauth-protected-resource/mcp`;
    expect(challengeOf(response)).toEqual({
      resource_metadata: metadata,
      scope: "mcp user.read",
    });
    const { resource } = await jsonOf(await facade.app.fetch(metadata));
    expect(resource).toBe(`${facade.app.baseUrl}/mcp`);
  });

  it("grants that, where a client asks for no scope", async () => {
    const resource = `${facade.app.baseUrl}/mcp`;
    const { scope } = await facade.client.tokens("alice", { resource });
    expect(scope).toBe("mcp user.read");
  });

  it("is for tokens of the server as a whole and of /mcp, and for no others", async () => {
    expect((await post(await token("mcp", ""))).status).toBe(200);
    expect((await post(await token("mcp"))).status).toBe(200);
    const other = await post(await token("mcp", "/sse"));
    expect([other.status, challengeOf(other)["error"]]).toEqual([401, "invalid_token"]);
    expect(await facade.sseStatus(await token("mcp"))).toBe(401);
  });

  it("asks for the scopes of a token again that has expired", async () => {
    const accessToken = await token("mcp calendar.read");
    facade.app.clock.advance({ seconds: 3_600 });
    const response = await post(accessToken);
    expect(challengeOf(response)).toMatchObject({
      error: "invalid_token",
      scope: "mcp calendar.read",
    });
  });

  it("checks the token before it looks at anything else", async () => {
    const response = await new ModernWire(facade.app).post("x".repeat(5_000_000));
    expect(response.status).toBe(401);
  });

  it("is closed to web pages that are not allowed, whatever they bring", async () => {
    const wire = new ModernWire(facade.app, await token("mcp"));
    const asked = (origin: string) => wire.send("tools/list", {}, { headers: { origin } });
    expect((await asked("https://evil.example")).status).toBe(403);
    const response = await asked("http://localhost:6274");
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe("http://localhost:6274");
  });
});

const call = (accessToken: string, name = "adminOnly") =>
  post(accessToken, "tools/call", { name, arguments: {} });

describe("a request that needs a scope which the token lacks (MCP authorization, scope challenge)", () => {
  it("is 403 with what the token has and what it needs, and nothing runs", async () => {
    const response = await call(await token("mcp user.read"));
    expect(response.status).toBe(403);
    expect(challengeOf(response)).toMatchObject({
      error: "insufficient_scope",
      scope: "mcp user.read calendar.read",
      resource_metadata: `${facade.app.baseUrl}/.well-known/oauth-protected-resource/mcp`,
    });
    expect(ran).toBe(0);
    expect(facade.app.log.join("\n")).toContain('"audit":"step-up","outcome":"denied"');
  });

  it("asks for nothing that the token had no need of", async () => {
    const response = await call(await token("mcp"));
    expect(challengeOf(response)["scope"]).toBe("mcp calendar.read");
  });

  it("holds for resources too", async () => {
    const response = await post(await token("mcp"), "resources/read", { uri: "user://me" });
    expect(challengeOf(response)["scope"]).toBe("mcp user.read");
  });

  it("is no more than an error of the tool where an app role is missing: no scope would help", async () => {
    const response = await call(await token("mcp calendar.read"));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ result: { isError: true } });
    expect(ran).toBe(0);
  });
});
