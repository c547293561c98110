import { parseSetCookie } from "cookie";

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** A form on a page, as a browser would submit it. */
export interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** A person's browser without a screen: keeps cookies by host, follows redirects by hand, submits forms. */
export class UserAgent {
  readonly #fetch: Fetch;
  readonly #cookies = new Map<string, Map<string, string>>();

  constructor(fetch: Fetch = globalThis.fetch) {
    this.#fetch = fetch;
  }

  get(url: string | URL, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(url, { headers });
  }

  /** Posts a form with the button that was pressed. */
  post(
    url: string | URL,
    fields: Readonly<Record<string, string>>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.#send(url, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /** Names and values of the cookies for a host. */
  cookies(url: string | URL): Map<string, string> {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    return jar;
  }

  async #send(url: string | URL, init: RequestInit): Promise<Response> {
    const jar = this.cookies(url);
    const headers = new Headers(init.headers);
    if (jar.size > 0) {
      headers.set("cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
    }
    const response = await this.#fetch(url, { ...init, headers, redirect: "manual" });
    for (const header of response.headers.getSetCookie()) {
      const { name, value = "", maxAge } = parseSetCookie(header);
      if (maxAge === 0) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }
}

/** @returns The first form of a page. @throws where there is none */
export function parseForm(html: string): Form {
  const form = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(html);
  if (form === null) throw new Error(`no form in: ${html.slice(0, 2_000)}`);
  const fields: Record<string, string> = {};
  for (const [input] of (form[2] ?? "").matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1];
    if (name !== undefined) fields[name] = unescape(/value="([^"]*)"/.exec(input)?.[1] ?? "");
  }
  return { action: unescape(form[1] ?? ""), fields };
}

/** @returns Where a response redirects to. @throws where it does not */
export function location(response: Response): URL {
  const target = response.headers.get("location");
  if (target === null) throw new Error(`status ${response.status} without a redirect`);
  return new URL(target);
}

/** @returns Where the links of a page lead that leave this server. */
export function links(html: string): URL[] {
  const found = html.matchAll(/<a [^>]*href="(https:[^"]*)"/g);
  return Array.from(found, ([, href = ""]) => new URL(unescape(href)));
}

function unescape(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
