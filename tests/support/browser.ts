import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Browser, type BrowserContext, chromium, type Response } from "playwright-core";
import { recorder } from "./redaction/recorder.ts";

const SYSTEM_CHROMIUM = "/usr/bin/chromium";
const UNPACKING_LIMIT_MS = 20_000;

/**
 * Starts a real Chromium: that of `CHROMIUM_PATH`, the system's, or the one that ships inside an npm package.
 *
 * @returns undefined, with one loud line, where none can be started.
 * @throws Error in that case where `REQUIRE_ALL` is 1.
 */
export async function startBrowser(): Promise<Browser | undefined> {
  try {
    const browser = await launch(await findExecutable());
    browser.on("context", (context) => context.on("response", keepSecrets));
    return browser;
  } catch (error) {
    if (process.env["REQUIRE_ALL"] === "1") throw error;
    const [reason] = String(error).split("\n");
    console.warn(`SKIPPED: the browser tests, for no Chromium starts here. ${reason}`);
    return undefined;
  }
}

/** A person's browser that has never been anywhere, and waits ten seconds at most for what should be there. */
export async function newContext(browser: Browser | undefined): Promise<BrowserContext> {
  if (browser === undefined) throw new Error("no browser");
  const context = await browser.newContext();
  context.setDefaultTimeout(10_000);
  return context;
}

/** What a real browser is handed passes no test by. */
async function keepSecrets(response: Response): Promise<void> {
  // Gone with a page that was closed meanwhile.
  const headers = await response.headersArray().catch(() => []);
  recorder.headers(new Headers(headers.map(({ name, value }): [string, string] => [name, value])));
}

async function findExecutable(): Promise<string> {
  const given = process.env["CHROMIUM_PATH"];
  if (given !== undefined) return given;
  if (existsSync(SYSTEM_CHROMIUM)) return SYSTEM_CHROMIUM;
  // Without it, the package does not unpack the libraries that a small machine lacks.
  process.env["AWS_EXECUTION_ENV"] ??= "AWS_Lambda_nodejs22.x";
  const { default: packaged } = await import("@sparticuz/chromium");
  return packaged.executablePath();
}

/** None of the package's own arguments: they take out the same-origin policy, which is under test here. */
async function launch(executablePath: string): Promise<Browser> {
  const giveUpAt = performance.now() + UNPACKING_LIMIT_MS;
  for (;;) {
    try {
      return await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    } catch (error) {
      // Another test file may just be unpacking it.
      const busy = /ETXTBSY|EACCES|shared libraries/.test(String(error));
      if (!busy || performance.now() > giveUpAt) throw error;
      await sleep(250);
    }
  }
}
