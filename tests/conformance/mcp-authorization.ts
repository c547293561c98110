import { expect } from "vitest";
import { answerOnPage, answerTo, expectPage, jsonOf, refusalOf } from "../support/answers.ts";
import { EventStream } from "../support/event-stream.ts";
import type { Facade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { resign } from "../support/resign.ts";
import { signIn } from "../support/sign-in.ts";

const BASE = "http://localhost:7071";

/** What every revision of MCP authorization asks of a server, each with its test; the revisions' tables choose from it. */
export function mcpAuthorization(facade: Facade) {
  const sse = (token: string, headers: Record<string, string> = {}) =>
    facade.get("/sse", { authorization: `Bearer ${token}`, ...headers });

  const post = (path: string, token: string, body: unknown) =>
    facade.app.fetch(`${BASE}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });

  /** Calls a tool over HTTP+SSE. @returns The answer as it came on the stream. */
  async function callTool(token: string, name: string): Promise<string> {
    const stream = new EventStream(await sse(token));
    const endpoint = (await stream.next())?.data ?? "";
    const body = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } };
    expect((await post(endpoint, token, body)).status).toBe(202);
    const answer = await stream.next();
    await stream.close();
    return answer?.data ?? "";
  }

  const authorize = (changes: Record<string, string | undefined>) =>
    facade.app.fetch(facade.client.authorizationUrl(changes));

  return {
    async resourceMetadata() {
      for (const path of ["", "/sse", "/mcp"]) {
        const url = `/.well-known/oauth-protected-resource${path}`;
        expect(await jsonOf(await facade.get(url))).toMatchObject({
          resource: `${BASE}${path}`,
          authorization_servers: [BASE],
        });
      }
    },
    async challenge() {
      const header = (await facade.get("/sse")).headers.get("www-authenticate");
      expect(header).toBe(
        `Bearer resource_metadata="${BASE}/.well-known/oauth-protected-resource/sse", ` +
          `scope="mcp user.read calendar.read"`,
      );
    },
    async invalidToken() {
      const { access_token: token } = await facade.client.tokens();
      for (const changes of [
        { aud: "https://x.example" },
        { iss: "https://x.example" },
        { exp: 1 },
      ]) {
        const response = await sse(await resign(facade.app, token, changes));
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toContain(`error="invalid_token"`);
      }
    },
    async validatedFirst() {
      for (const path of ["/message", "/message?connection=x"]) {
        expect((await post(path, "x", "no message")).status).toBe(401);
        expect((await post(path, "x", "x".repeat(5_000_000))).status).toBe(401);
      }
    },
    async ownTokensOnly() {
      await facade.client.tokens();
      const foreign = facade.entra.issued().filter(({ kind }) => kind.endsWith("_token"));
      expect(foreign.map(({ kind }) => kind)).toEqual(
        expect.arrayContaining(["access_token", "id_token", "refresh_token"]),
      );
      for (const { value } of foreign) expect((await sse(value)).status).toBe(401);
    },
    async noPassthrough() {
      const { access_token: token } = await facade.client.tokens();
      const authorization = `Bearer ${token}`;
      const graph = await fetch(`${facade.entra.url}/v1.0/me`, { headers: { authorization } });
      expect(graph.status).toBe(401);
      expect(await callTool(token, "getUserDetails")).toContain("Alice");
      for (const { value } of facade.entra.issued()) expect(value).not.toBe(token);
    },
    async noQueryToken() {
      const { access_token: token } = await facade.client.tokens();
      expect((await facade.get(`/sse?access_token=${token}`)).status).toBe(401);
    },
    async insufficientScope() {
      const { access_token: token } = await facade.client.tokens("alice", { scope: "mcp" });
      const answer: unknown = JSON.parse(await callTool(token, "getUserDetails"));
      expect(answer).toMatchObject({ result: { isError: true } });
      expect(JSON.stringify(answer)).toContain("user.read");
    },
    async noSessionAuth() {
      const stream = new EventStream(await sse((await facade.client.tokens()).access_token));
      const endpoint = (await stream.next())?.data ?? "";
      const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
      expect((await post(endpoint, "x", ping)).status).toBe(401);
      const { access_token: bobs } = await facade.client.tokens("bob");
      expect((await post(endpoint, bobs, ping)).status).toBe(404);
      await stream.close();
    },
    async origin() {
      const { access_token: token } = await facade.client.tokens();
      expect((await sse(token, { origin: "https://evil.example" })).status).toBe(403);
      for (const origin of [BASE, "http://localhost:6274", "http://127.0.0.1:6274"]) {
        const response = await sse(token, { origin });
        expect(response.headers.get("access-control-allow-origin")).toBe(origin);
        await response.body?.cancel();
      }
      for (const path of ["/.well-known/jwks.json", "/token", "/register"]) {
        const response = await facade.get(path, { origin: "https://evil.example" });
        expect(response.headers.get("access-control-allow-origin")).toBe("*");
      }
    },
    async host() {
      for (const path of ["/sse", "/authorize", "/register", "/.well-known/jwks.json"]) {
        for (const host of ["evil.example", "localhost.evil.example:7071", "192.168.1.2:7071"]) {
          expect((await facade.get(path, { host })).status).toBe(403);
        }
      }
      for (const host of ["localhost", "127.0.0.1:1", "[::1]:7071", "LOCALHOST:7071"]) {
        expect((await facade.get("/.well-known/jwks.json", { host })).status).toBe(200);
      }
    },
    async codeAndPkce() {
      const code = await facade.client.code();
      const without = await facade.client.redeem(code, { code_verifier: undefined });
      expect(await refusalOf(without)).toBe("400 invalid_request");
      expect((await facade.client.redeem(code)).status).toBe(200);
      expect(answerTo(REDIRECT_URI, await authorize({ code_challenge: undefined }))).toMatchObject({
        error: "invalid_request",
      });
    },
    async metadata() {
      expect(
        await jsonOf(await facade.get("/.well-known/oauth-authorization-server")),
      ).toMatchObject({
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
        token_endpoint_auth_methods_supported: expect.arrayContaining(["none"]) as string[],
        client_id_metadata_document_supported: true,
      });
    },
    async iss() {
      const back = await signIn(facade.browser(), facade.client.authorizationUrl(), "alice");
      expect(back.searchParams.get("iss")).toBe(BASE);
      expect(answerTo(REDIRECT_URI, await authorize({ scope: '"' }))).toMatchObject({ iss: BASE });
    },
    async registration() {
      for (const type of [undefined, "web", "native"]) {
        const metadata = { redirect_uris: ["https://app.example/cb"], application_type: type };
        expect((await facade.client.postJson("/register", metadata)).status).toBe(201);
      }
    },
    async metadataDocuments() {
      const metadata = await jsonOf(await facade.get("/.well-known/oauth-authorization-server"));
      expect(metadata).toHaveProperty("client_id_metadata_document_supported", true);
      await expectPage(await authorize({ client_id: "https://app.example/client.json" }), 400);
    },
    async consent() {
      await facade.client.register({ client_name: "Weather" });
      const page = await expectPage(await authorize({}), 200);
      for (const shown of ["Weather", "localhost:33418", "Read your calendar"]) {
        expect(page).toContain(shown);
      }
    },
    async redirectSchemes() {
      for (const uri of [
        "https://app.example/cb",
        "http://localhost/cb",
        "cursor://anysphere/cb",
      ]) {
        await facade.client.register({ redirect_uris: [uri] });
        await expectPage(await authorize({ redirect_uri: uri }), 200);
      }
      await facade.client.register({ redirect_uris: ["cursor://anysphere/cb"] });
      await expectPage(await authorize({ redirect_uri: "cursor://anysphere/cb/" }), 400);
    },
    async loopbackPorts() {
      const uri = "http://localhost:61234/callback";
      const code = await facade.client.code("alice", { redirect_uri: uri });
      expect((await facade.client.redeem(code, { redirect_uri: uri })).status).toBe(200);
      await expectPage(await authorize({ redirect_uri: "http://127.0.0.1:33418/callback" }), 400);
    },
    async badClientPage() {
      await expectPage(await authorize({ client_id: "nobody" }), 400);
      await expectPage(await authorize({ redirect_uri: "https://evil.example/cb" }), 400);
    },
    async untrustedRedirect() {
      const uri = "https://app.example/cb";
      await facade.client.register({ redirect_uris: [uri] });
      const answer = await authorize({ redirect_uri: uri, scope: '"' });
      expect(await answerOnPage(uri, answer)).toMatchObject({ error: "invalid_scope", iss: BASE });
    },
    async rotation() {
      const { refresh_token: first } = await facade.client.tokens();
      const { refresh_token: second } = await jsonOf(await facade.client.refresh(first));
      expect(second).not.toBe(first);
      facade.app.clock.advance({ seconds: 61 });
      expect(await refusalOf(await facade.client.refresh(first))).toBe("400 invalid_grant");
      expect(await refusalOf(await facade.client.refresh(String(second)))).toBe(
        "400 invalid_grant",
      );
    },
    async refreshRetry() {
      const { refresh_token: first } = await facade.client.tokens();
      const answer = await jsonOf(await facade.client.refresh(first));
      facade.app.clock.advance({ seconds: 60 });
      expect(await jsonOf(await facade.client.refresh(first))).toEqual(answer);
    },
    async revocation() {
      const metadata = await jsonOf(await facade.get("/.well-known/oauth-authorization-server"));
      expect(metadata).toHaveProperty("revocation_endpoint", `${facade.app.baseUrl}/revoke`);
    },
    async resourceParameter() {
      expect(
        answerTo(REDIRECT_URI, await authorize({ resource: "https://x.example" })),
      ).toMatchObject({
        error: "invalid_target",
      });
      const code = await facade.client.code();
      const answer = await facade.client.redeem(code, { resource: BASE });
      expect(await refusalOf(answer)).toBe("400 invalid_target");
    },
  };
}
