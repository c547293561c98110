import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { newContext, startBrowser } from "../support/browser.ts";
import { type ClientSite, startClientSite } from "../support/client-site.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";

// Two takeovers that release 0.1.0 fell to: a link, and a form of another site, that write headers into the trigger
// metadata. The victim is signed in at Entra and clicks what the attacker has prepared.

// A browser on a busy machine takes its time.
vi.setConfig({ testTimeout: 30_000 });

const browser = await startBrowser();

describe.runIf(browser !== undefined)("a person who opens what an attacker has prepared", () => {
  let stack: LocalStack;
  /** The attacker's: what comes back there would be the attacker's to redeem. */
  let site: ClientSite;
  let client: OAuthTestClient;
  let attacker: BrowserContext;
  let victim: BrowserContext;

  beforeAll(async () => {
    [stack, site] = await Promise.all([startLocalStack(), startClientSite()]);
    client = new OAuthTestClient(stack.baseUrl, fetch);
    await client.register({ redirect_uris: [site.redirectUri], client_name: "Prize draw" });
    attacker = await newContext(browser);
    victim = await newContext(browser);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await site.stop();
    await stack.stop();
  });

  it("with the attacker's remembered consent in the link, is asked for consent all the same", async () => {
    const own = await attacker.newPage();
    await own.goto(authorizationUrl("attackers-own"));
    await own.getByRole("checkbox").check();
    await own.getByRole("button", { name: "Allow" }).click();
    await own.waitForURL(`${stack.entra.url}/**`);
    const headers = { cookie: await cookieHeader(attacker), "sec-fetch-site": "none" };
    // With them, the attacker's browser is not asked again.
    const asked = stack.entra.requests()["authorize"] ?? 0;
    await own.goto(authorizationUrl("attackers-own"));
    await own.waitForURL(`${stack.entra.url}/**`);
    expect(stack.entra.requests()["authorize"] ?? 0).toBe(asked + 1);

    const page = await victim.newPage();
    await page.goto(
      `${authorizationUrl("link")}&Headers=${encodeURIComponent(JSON.stringify(headers))}`,
    );
    expect(page.url()).toContain(`${stack.baseUrl}/authorize`);
    expect(await page.locator("main").textContent()).toContain("Prize draw");
    expect(await page.getByRole("button", { name: "Allow" }).count()).toBe(1);
    expectNothingTaken("link", asked + 1);
  });

  it("with the attacker's form on another site, approves nothing", async () => {
    // One that remembers nothing, and so is shown the form.
    const fresh = await newContext(browser);
    const own = await fresh.newPage();
    await own.goto(authorizationUrl("form"));
    const fields = await hiddenFields(own);
    expect(Object.keys(fields)).toContain("request");
    const headers = {
      cookie: await cookieHeader(fresh),
      "sec-fetch-site": "same-origin",
      "content-type": "application/x-www-form-urlencoded",
    };
    const asked = stack.entra.requests()["authorize"] ?? 0;
    const page = await victim.newPage();
    await page.goto(site.appUrl);
    const action = `${stack.baseUrl}/consent?Headers=${encodeURIComponent(JSON.stringify(headers))}`;
    await page.evaluate(submit, { action, fields: { ...fields, decision: "approve" } });
    await page.waitForURL(`${stack.baseUrl}/consent?*`);
    expect(await page.getByRole("heading", { level: 2 }).textContent()).toBe("What you can do");
    expectNothingTaken("form", asked);
  });

  function authorizationUrl(state: string): string {
    return client.authorizationUrl({ redirect_uri: site.redirectUri, state }).href;
  }

  /** Nobody was sent to Entra, and the attacker's site got no code. */
  function expectNothingTaken(state: string, asked: number): void {
    expect(stack.entra.requests()["authorize"] ?? 0).toBe(asked);
    expect(site.received.filter((answer) => answer.get("state") === state)).toEqual([]);
  }

  async function cookieHeader(context: BrowserContext): Promise<string> {
    const cookies = await context.cookies(stack.baseUrl);
    return cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  }
});

async function hiddenFields(page: Page): Promise<Record<string, string>> {
  const inputs = await page.locator('form input[type="hidden"]').all();
  const fields = inputs.map(async (input): Promise<[string, string]> => [
    (await input.getAttribute("name")) ?? "",
    (await input.getAttribute("value")) ?? "",
  ]);
  return Object.fromEntries(await Promise.all(fields));
}

/** In the page: posts a form as any site can. */
function submit({ action, fields }: { action: string; fields: Record<string, string> }): void {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}
