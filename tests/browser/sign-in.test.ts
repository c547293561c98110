import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ACCOUNTS } from "../../tools/entra/directory.ts";
import { newContext, startBrowser } from "../support/browser.ts";
import { type ClientSite, startClientSite } from "../support/client-site.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { reconnect, TestProvider } from "../support/sdk-client.ts";
import type { Account } from "../support/sign-in.ts";

// A browser on a busy machine takes its time.
vi.setConfig({ testTimeout: 30_000 });

const browser = await startBrowser();

describe.runIf(browser !== undefined)("a person in a real browser", () => {
  let stack: LocalStack;
  let site: ClientSite;
  let client: OAuthTestClient;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    [stack, site] = await Promise.all([startLocalStack(), startClientSite()]);
    client = new OAuthTestClient(stack.baseUrl, fetch);
    await client.register({ redirect_uris: [site.redirectUri] });
  }, 60_000);
  beforeEach(async () => {
    context = await newContext(browser);
    page = await context.newPage();
  });
  afterEach(() => context.close());
  afterAll(async () => {
    await browser?.close();
    await site.stop();
    await stack.stop();
  });

  it("allows the app, picks an account, and lands at the client with a code for that account", async () => {
    await page.goto(authorizationUrl("the-whole-way"));
    await allow(page);
    await pick(page, "alice");
    await expectBackAtClient(page);
    await expectCodeOf("alice", "the-whole-way");
  });

  it("signs in twice at once in two tabs, as two people, and neither tab disturbs the other", async () => {
    const other = await context.newPage();
    await page.goto(authorizationUrl("tab-1"));
    await other.goto(authorizationUrl("tab-2"));
    await allow(page);
    await allow(other);
    await pick(other, "bob");
    await expectBackAtClient(other);
    await pick(page, "alice");
    await expectBackAtClient(page);
    await expectCodeOf("bob", "tab-2");
    await expectCodeOf("alice", "tab-1");
  });

  it("asks not to be asked again: this browser goes straight to Entra, another one is still asked", async () => {
    await page.goto(authorizationUrl("remembered-1"));
    await page.getByRole("checkbox").check();
    await allow(page);
    await page.goto(authorizationUrl("remembered-2"));
    await pick(page, "alice");
    await expectBackAtClient(page);
    await expectCodeOf("alice", "remembered-2");
    const elsewhere = await newContext(browser);
    const other = await elsewhere.newPage();
    await other.goto(authorizationUrl("remembered-3"));
    expect(await other.getByRole("button", { name: "Allow" }).count()).toBe(1);
    await elsewhere.close();
  });

  it("denies on our page: the client hears access_denied, Entra hears nothing", async () => {
    const before = stack.entra.requests()["authorize"] ?? 0;
    await page.goto(authorizationUrl("denied"));
    await page.getByRole("button", { name: "Deny" }).click();
    await expectBackAtClient(page);
    expect(answerTo("denied").get("error")).toBe("access_denied");
    expect(stack.entra.requests()["authorize"] ?? 0).toBe(before);
  });

  it("cancels at Entra: the client hears access_denied", async () => {
    await page.goto(authorizationUrl("cancelled"));
    await allow(page);
    await page.getByRole("button", { name: "Cancel" }).click();
    await expectBackAtClient(page);
    expect(answerTo("cancelled").get("error")).toBe("access_denied");
    expect(answerTo("cancelled").get("iss")).toBe(stack.baseUrl);
  });

  it("presses Back at Entra, allows the app once more, and gets through", async () => {
    await page.goto(authorizationUrl("back"));
    await allow(page);
    await page.goBack();
    await allow(page);
    await pick(page, "alice");
    await expectBackAtClient(page);
    await expectCodeOf("alice", "back");
  });

  it("posts the very same form twice and gets through with either answer", async () => {
    await page.goto(authorizationUrl("twice"));
    const form = page.locator("form");
    await form.evaluate((element) => element.setAttribute("target", "_blank"));
    const opened = context.waitForEvent("page");
    await page.getByRole("button", { name: "Allow" }).click();
    const first = await opened;
    await form.evaluate((element) => element.removeAttribute("target"));
    await allow(page);
    await pick(first, "bob");
    await expectBackAtClient(first);
    await expectCodeOf("bob", "twice");
    await pick(page, "alice");
    await expectBackAtClient(page);
    await expectCodeOf("alice", "twice");
  });

  it("signs in in a popup of another site's page, which is not cut off from it and hears the code", async () => {
    const popup = await openPopup(authorizationUrl("popup"));
    await expectConnected(popup);
    await allow(popup);
    await expectConnected(popup);
    const closed = popup.waitForEvent("close");
    await pick(popup, "alice");
    await closed;
    await page.locator("output", { hasText: "code=" }).waitFor();
    expect(await page.locator("output").textContent()).toContain("state=popup");
    await expectCodeOf("alice", "popup");
  });

  it("says no in a popup: the page that opened it hears of it", async () => {
    const popup = await openPopup(authorizationUrl("popup-denied"));
    const closed = popup.waitForEvent("close");
    await popup.getByRole("button", { name: "Deny" }).click();
    await closed;
    await page.locator("output", { hasText: "error=access_denied" }).waitFor();
  });

  it.each([
    ["of a sign-in that is finished", () => `${stack.baseUrl}/callback?state=unknown&code=x`],
    ["about an app that is not known", () => `${stack.baseUrl}/authorize?client_id=unknown`],
  ])("sees a page %s in a popup, which stays connected", async (_what, url) => {
    const popup = await openPopup(url());
    expect(await popup.getByRole("heading", { level: 2 }).textContent()).toBe("What you can do");
    await expectConnected(popup);
  });

  it("gets through in a webview that has dropped the consent page's cookie", async () => {
    await page.goto(authorizationUrl("no-csrf-cookie"));
    await context.clearCookies();
    await allow(page);
    await pick(page, "alice");
    await expectBackAtClient(page);
    await expectCodeOf("alice", "no-csrf-cookie");
  });

  it("is told why where the browser has dropped the cookie of the sign-in, and the client gets no code", async () => {
    await page.goto(authorizationUrl("no-cookie"));
    await allow(page);
    await context.clearCookies();
    await pick(page, "alice");
    await page.waitForURL(`${stack.baseUrl}/callback?*`);
    expect(await page.locator("main").textContent()).toContain("your browser dropped the cookie");
    expect(site.received.some((answer) => answer.get("state") === "no-cookie")).toBe(false);
  });

  it("who opens somebody else's way back gets a page, and the one whose it is still gets through", async () => {
    await page.goto(authorizationUrl("stolen"));
    await allow(page);
    const callback = await interceptWayBack(page);

    const elsewhere = await newContext(browser);
    const stranger = await elsewhere.newPage();
    const response = await stranger.goto(callback);
    expect(response?.status()).toBe(400);
    expect(await stranger.getByRole("heading", { level: 1 }).textContent()).toContain(
      "not started here",
    );
    expect(site.received.some((answer) => answer.get("state") === "stolen")).toBe(false);
    await elsewhere.close();

    await page.goto(callback);
    await expectBackAtClient(page);
    await expectCodeOf("alice", "stolen");
  });

  it("goes back from the client and picks again: a page says what happened", async () => {
    await page.goto(authorizationUrl("finished"));
    await allow(page);
    await pick(page, "alice");
    await expectBackAtClient(page);
    await page.goBack();
    await page.locator('button[value="alice"]').click();
    await page.waitForURL(`${stack.baseUrl}/callback?*`);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("sign-in");
    expect(await page.getByRole("heading", { level: 2 }).textContent()).toBe("What you can do");
  });

  it("does the whole of it with Tab and Enter, and always sees where the focus is", async () => {
    await page.goto(authorizationUrl("keyboard"));
    await tabTo(page, 'button[value="approve"]');
    await page.keyboard.press("Enter");
    await page.waitForURL(`${stack.entra.url}/**`);
    await tabTo(page, 'button[value="alice"]');
    await page.keyboard.press("Enter");
    await expectBackAtClient(page);
    await expectCodeOf("alice", "keyboard");
  });

  /** Opens a URL as a web app does that wants to keep its own page. */
  async function openPopup(url: string): Promise<Page> {
    await page.goto(`${site.appUrl}#${url}`);
    const opened = context.waitForEvent("page");
    await page.getByRole("button", { name: "Connect" }).click();
    const popup = await opened;
    await popup.waitForLoadState();
    return popup;
  }

  /** A Cross-Origin-Opener-Policy anywhere on the way would take each from the other. */
  async function expectConnected(popup: Page): Promise<void> {
    expect(await popup.evaluate(() => window.opener !== null)).toBe(true);
    expect(await page.evaluate(() => (window as unknown as { popup: Window }).popup.closed)).toBe(
      false,
    );
  }

  function authorizationUrl(state: string): string {
    return client.authorizationUrl({ redirect_uri: site.redirectUri, state }).href;
  }

  async function allow(tab: Page): Promise<void> {
    await tab.getByRole("button", { name: "Allow" }).click();
    await tab.waitForURL(`${stack.entra.url}/**`);
  }

  async function expectBackAtClient(tab: Page): Promise<void> {
    await tab.waitForURL(`${site.redirectUri}?*`);
  }

  /** The last answer that the client got for `state`. */
  function answerTo(state: string): URLSearchParams {
    const answer = site.received.findLast((candidate) => candidate.get("state") === state);
    if (answer === undefined) throw new Error(`nothing came back for ${state}`);
    return answer;
  }

  async function expectCodeOf(account: Account, state: string): Promise<void> {
    const code = answerTo(state).get("code") ?? "";
    const response = await client.redeem(code, { redirect_uri: site.redirectUri });
    expect(response.status).toBe(200);
    const provider = new TestProvider();
    provider.saveTokens((await response.json()) as Parameters<TestProvider["saveTokens"]>[0]);
    const connection = await reconnect(stack.baseUrl, provider);
    const { structuredContent } = await connection.client.callTool({ name: "getUserDetails" });
    expect(structuredContent).toMatchObject({ mail: ACCOUNTS[account].profile.mail });
    await connection.close();
  }
});

async function pick(tab: Page, account: Account): Promise<void> {
  await tab.locator(`button[name="account"][value="${account}"]`).click();
}

/** Picks alice, and keeps the browser from following Entra's redirect. @returns Where it leads. */
async function interceptWayBack(tab: Page): Promise<string> {
  const anywhere = "**/oauth2/v2.0/authorize?*";
  const location = new Promise<string>((resolve, reject) => {
    const intercept = tab.route(anywhere, async (route) => {
      const response = await route.fetch({ maxRedirects: 0 });
      resolve(response.headers()["location"] ?? "");
      await route.abort();
    });
    intercept.then(() => pick(tab, "alice")).catch(reject);
  });
  const callback = await location;
  await tab.unroute(anywhere);
  return callback;
}

/** Presses Tab until the element has the focus. @throws where it never gets it, or it does not show */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press("Tab");
    const focused = page.locator(":focus");
    const outline = await focused.evaluate((element) => getComputedStyle(element).outlineStyle);
    expect(outline).not.toBe("none");
    if (await focused.evaluate((element, wanted) => element.matches(wanted), selector)) return;
  }
  throw new Error(`Tab does not lead to ${selector}`);
}
