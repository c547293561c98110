import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { mayRemember } from "../../shared/oauth/remembered-consents.ts";
import { FakeDocuments } from "../support/fake-documents.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { parseForm, UserAgent } from "../support/user-agent.ts";

let entra: RunningEntra;
let app: TestApp;
let documents: FakeDocuments;
let agent: UserAgent;
let client: OAuthTestClient;

beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());
beforeEach(async () => {
  documents = new FakeDocuments();
  app = createTestApp({ entraUrl: entra.url, fetchDocument: documents.fetch });
  agent = new UserAgent(app.fetch);
  client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
});

async function approve(
  fields: Record<string, string>,
  changes: Record<string, string> = {},
): Promise<void> {
  const page = await agent.get(client.authorizationUrl({ scope: "mcp user.read", ...changes }));
  const form = parseForm(await page.text());
  const answer = await agent.post(new URL(form.action, app.baseUrl), {
    ...form.fields,
    decision: "approve",
    ...fields,
  });
  expect(answer.status).toBe(303);
}

/** @returns Whether the person is asked. */
async function isAsked(
  changes: Record<string, string>,
  site: string | undefined,
  browser = agent,
): Promise<boolean> {
  const url = client.authorizationUrl({ scope: "mcp user.read", ...changes });
  const response = await browser.get(url, site === undefined ? {} : { "sec-fetch-site": site });
  if (response.status === 200) return true;
  expect(response.headers.get("location")).toContain(entra.url);
  return false;
}

describe("a remembered consent", () => {
  it("is opt-in: without the checkbox the person is asked again", async () => {
    await approve({});
    expect(await isAsked({}, "none")).toBe(true);
  });

  it("leaves the page out when an app opened the browser", async () => {
    await approve({ remember: "yes" });
    expect(await isAsked({}, "none")).toBe(false);
  });

  it("holds for a native client on another port (RFC 8252 §7.3)", async () => {
    await approve({ remember: "yes" });
    const other = REDIRECT_URI.replace("33418", "44529");
    expect(await isAsked({ redirect_uri: other }, "none")).toBe(false);
  });

  it.each(["cross-site", "same-site", undefined])(
    "is not honoured for a request with Sec-Fetch-Site: %s",
    async (site) => {
      await approve({ remember: "yes" });
      expect(await isAsked({}, site)).toBe(true);
    },
  );

  it("gives way to newer ones when the cookie is full, whatever the length of client ids", async () => {
    const own = { redirect_uri: "https://client.example/callback" };
    for (let n = 0; n < 12; n++) {
      const id = `https://client.example/${n}/`.padEnd(500, "x");
      documents.publish(id, {
        client_id: id,
        client_name: "App",
        redirect_uris: [own.redirect_uri],
      });
      client.id = id;
      await approve({ remember: "yes" }, own);
      expect(await isAsked(own, "none")).toBe(false);
    }
    const cookies = [...agent.cookies(app.baseUrl)].map(([name, value]) => `${name}=${value}`);
    for (const cookie of cookies) expect(cookie.length).toBeLessThan(4_096);
    expect(
      await isAsked({ ...own, client_id: "https://client.example/0/".padEnd(500, "x") }, "none"),
    ).toBe(true);
  });

  it("does not cover more scopes", async () => {
    await approve({ remember: "yes" });
    expect(await isAsked({ scope: "mcp user.read calendar.read" }, "none")).toBe(true);
  });

  it("does not cover another client", async () => {
    await approve({ remember: "yes" });
    await client.register({ client_name: "Another client" });
    expect(await isAsked({}, "none")).toBe(true);
  });

  it("does not cover another host to return to", async () => {
    const both = [REDIRECT_URI, "https://client.example/callback"];
    await client.register({ redirect_uris: both });
    await approve({ remember: "yes" });
    expect(await isAsked({ redirect_uri: "https://client.example/callback" }, "none")).toBe(true);
  });

  it("ends after 30 days", async () => {
    await client.tokens("alice");
    await approve({ remember: "yes" });
    app.clock.advance({ seconds: 30 * 86_400 - 1 });
    expect(await isAsked({}, "none")).toBe(false);
    app.clock.advance({ seconds: 1 });
    expect(await isAsked({}, "none")).toBe(true);
  });

  it("is worth nothing when it was tampered with", async () => {
    await approve({ remember: "yes" });
    const jar = agent.cookies(app.baseUrl);
    const sealed = jar.get("dev-consents") ?? "";
    const [header = "", iv = "", ciphertext = "", tag = ""] = sealed.split(".");
    jar.set("dev-consents", [header, iv, `A${ciphertext.slice(1)}`, `${tag.slice(1)}A`].join("."));
    expect(await isAsked({}, "none")).toBe(true);
  });
});

describe("a client that publishes a document", () => {
  const request = { clientId: "https://app.example/client.json", clientName: "App" };
  const rest = { state: "s", codeChallenge: "c", scopes: [], resource: "r" };

  it("cannot have a consent remembered where it returns to this machine (RFC 8252 §8.6)", () => {
    expect(mayRemember({ ...request, ...rest, redirectUri: REDIRECT_URI })).toBe(false);
  });

  it("can where it returns to its own host", () => {
    const redirectUri = "https://app.example/callback";
    expect(mayRemember({ ...request, ...rest, redirectUri })).toBe(true);
  });
});
