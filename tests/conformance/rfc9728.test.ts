import { OAuthProtectedResourceMetadataSchema } from "@modelcontextprotocol/sdk/shared/auth.js";
import { expect } from "vitest";
import { jsonOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { holdsEvery } from "../support/rules.ts";

const RULES = {
  location: "answers under the well-known path, with the resource's path behind it (§3.1)",
  resource: "names exactly the resource that it was asked about (§3.3)",
  authorizationServers:
    "names an authorization server whose metadata is found (§2, MCP 2025-11-25)",
  schema: "has the shape that the MCP SDK reads (§2)",
  headerOnly: "announces the header as the only way to send a token (§2, RFC 6750 §2.1)",
  scopes: "announces the scopes, without openid and offline_access (§2, MCP 2025-11-25)",
  notBuilt: "knows no resource that is not there (§3.2)",
  challenge: "is named by the challenge of its resource (§5.1)",
  publicOrigin: "takes its URLs from the configuration and not from the request (§7.3)",
  anyOrigin: "can be read by any web page (§3.1)",
} as const;

const PATH = "/.well-known/oauth-protected-resource";
const facade = useFacade();

const challengeOf = async (path: string, init: RequestInit = {}) => {
  const response = await facade.app.fetch(`${facade.app.baseUrl}${path}`, init);
  const header = response.headers.get("www-authenticate") ?? "";
  return /resource_metadata="([^"]*)"/.exec(header)?.[1];
};

holdsEvery("RFC 9728, protected resource metadata", RULES, {
  async location() {
    for (const path of [PATH, `${PATH}/`, `${PATH}/sse`, `${PATH}/mcp`]) {
      const response = await facade.get(path);
      expect(response.status).toBe(200);
      await jsonOf(response);
    }
  },
  async resource() {
    expect((await jsonOf(await facade.get(PATH)))["resource"]).toBe(facade.app.baseUrl);
    for (const path of ["/sse", "/mcp"]) {
      const { resource } = await jsonOf(await facade.get(`${PATH}${path}`));
      expect(resource).toBe(`${facade.app.baseUrl}${path}`);
    }
  },
  async authorizationServers() {
    for (const path of [PATH, `${PATH}/sse`]) {
      const { authorization_servers: servers } = await jsonOf(await facade.get(path));
      expect(servers).toEqual([facade.app.baseUrl]);
    }
    const metadata = await jsonOf(await facade.get("/.well-known/oauth-authorization-server"));
    expect(metadata["issuer"]).toBe(facade.app.baseUrl);
  },
  async schema() {
    const body = await jsonOf(await facade.get(`${PATH}/sse`));
    expect(OAuthProtectedResourceMetadataSchema.parse(body)).toEqual(body);
  },
  async headerOnly() {
    const body = await jsonOf(await facade.get(PATH));
    expect(body["bearer_methods_supported"]).toEqual(["header"]);
  },
  async scopes() {
    const body = await jsonOf(await facade.get(`${PATH}/sse`));
    expect(body["scopes_supported"]).toEqual(["mcp", "user.read", "calendar.read"]);
  },
  async notBuilt() {
    for (const path of [`${PATH}/token`, `${PATH}/sse/more`, `${PATH}/e`]) {
      expect((await facade.get(path)).status).toBe(404);
    }
  },
  async challenge() {
    const url = `${facade.app.baseUrl}${PATH}/sse`;
    expect(await challengeOf("/sse")).toBe(url);
    // MCP SDK: an /sse client refuses metadata whose resource is /message.
    expect(await challengeOf("/message?connection=x", { method: "POST" })).toBe(url);
    expect(await challengeOf("/mcp", { method: "POST" })).toBe(`${facade.app.baseUrl}${PATH}/mcp`);
    const body = await jsonOf(await facade.app.fetch(url));
    expect(body["resource"]).toBe(`${facade.app.baseUrl}/sse`);
  },
  async publicOrigin() {
    const headers = { host: "127.0.0.1:9999", "x-forwarded-host": "evil.example" };
    expect(await (await facade.get(PATH, headers)).text()).not.toMatch(/evil|9999/);
  },
  async anyOrigin() {
    const response = await facade.get(`${PATH}/sse`, { origin: "https://app.example" });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  },
});
