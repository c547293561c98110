import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { discoverAuthority } from "../../shared/entra/discovery.ts";
import { type LocalServer, startLocalServer } from "../support/local-server.ts";

const TENANT = "5f3c1a52-9d0e-4b7a-8c61-2e4d7f9a1b30";

const document = {
  issuer: "https://login.example/tenant/v2.0",
  authorization_endpoint: "http://127.0.0.1:7080/authorize",
  token_endpoint: "http://127.0.0.1:7080/token",
  jwks_uri: "http://127.0.0.1:7080/keys",
  tenant_region_scope: "EU",
};

const servers: LocalServer[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function answering(answer: (response: ServerResponse, path: string) => void) {
  const server = await startLocalServer((request, response) => answer(response, request.url ?? ""));
  servers.push(server);
  return server.url;
}

const failure = async (url: string) =>
  discoverAuthority(url, TENANT).catch((error: unknown) => error);

describe("the discovery of an authority", () => {
  it("reads the tenant's v2.0 document, and tells MSAL all that is in it", async () => {
    const paths: string[] = [];
    const url = await answering((response, path) => {
      paths.push(path);
      response.end(JSON.stringify(document));
    });
    const authority = await discoverAuthority(url, TENANT);
    expect(paths).toEqual([`/${TENANT}/v2.0/.well-known/openid-configuration`]);
    expect(JSON.parse(authority.authorityMetadata)).toEqual(document);
    expect(authority.issuer).toBe(document.issuer);
  });

  it("gives MSAL an https authority also where the real one is http on this machine", async () => {
    const url = await answering((response) => response.end(JSON.stringify(document)));
    const { host } = new URL(url);
    expect(await discoverAuthority(url, TENANT)).toMatchObject({
      authority: `https://${host}/${TENANT}`,
      knownAuthorities: [host],
    });
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ["an error", (response) => response.writeHead(503).end()],
    ["a page", (response) => response.end("<!doctype html>")],
    ["an incomplete document", (response) => response.end(`{"issuer":"x"}`)],
    ["nothing but a cut connection", (response) => response.destroy()],
  ])("is transient when Entra answers %s", async (_, answer) => {
    const error = await failure(await answering((response) => answer(response)));
    expect(error).toMatchObject({ name: "EntraError", kind: "transient" });
  });

  it("is transient, not a hang, when Entra does not answer", async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const spy = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(20));
    const error = await failure(await answering(() => undefined));
    expect(error).toMatchObject({ name: "EntraError", kind: "transient" });
    expect(spy.mock.calls[0]?.[0]).toBeLessThanOrEqual(5_000);
  });
});
