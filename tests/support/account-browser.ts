import { type Account, pickAccount } from "./sign-in.ts";
import type { TestApp } from "./test-app.ts";
import { location, parseForm, UserAgent } from "./user-agent.ts";

/** A person's browser on the account page. */
export class AccountBrowser {
  readonly #url: URL;
  readonly agent: UserAgent;

  constructor(app: Pick<TestApp, "baseUrl" | "fetch">, agent = new UserAgent(app.fetch)) {
    this.#url = new URL("/account", app.baseUrl);
    this.agent = agent;
  }

  /** Goes through Entra to the account page. */
  async signIn(account: Account): Promise<this> {
    await this.agent.get(await this.callback(account));
    return this;
  }

  /** As far as Entra. @returns Our `/callback`, with what Entra answered. */
  async callback(account: Account): Promise<URL> {
    return pickAccount(this.agent, location(await this.press("sign-in")), account);
  }

  /** @returns The markup of the page. */
  async page(query: Record<string, string> = {}): Promise<string> {
    const url = new URL(this.#url);
    url.search = new URLSearchParams(query).toString();
    return (await this.agent.get(url)).text();
  }

  /** The ids of the sessions on the page, in its order. */
  async sessionIds(): Promise<string[]> {
    const inputs = (await this.page()).matchAll(/name="session" value="([^"]*)"/g);
    return [...inputs].map(([, id]) => id ?? "");
  }

  /** Loads the page and presses one of its buttons. */
  async press(
    action: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.post({ form: await this.formToken(), action, ...fields }, headers);
  }

  /** @returns The hidden token of the page's forms. */
  async formToken(): Promise<string> {
    return parseForm(await this.page()).fields["form"] ?? "";
  }

  post(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    return this.agent.post(this.#url, fields, headers);
  }
}
