import type { OAuthTokens } from "@modelcontextprotocol/sdk/shared/auth.js";
import { ROOT } from "../../tools/stack/command-line.ts";
import { planLocalStack, SAMPLE } from "../../tools/stack/local-settings.ts";
import { TestProvider } from "./sdk-client.ts";
import type { Fetch } from "./user-agent.ts";

/** Every secret of a run, by what it is, and the search for them. */
export class Secrets {
  readonly #byKind = new Map<string, Set<string>>();

  remember(kind: string, value: string | undefined): void {
    if (value === undefined) throw new Error(`no ${kind}`);
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? new Set()).add(value));
  }

  /** Those of the settings that a developer's machine has. */
  rememberSettings(): void {
    const { values } = planLocalStack(ROOT, {}, {}, SAMPLE);
    for (const name of ["LOCAL_KEY", "ENTRA_CLIENT_SECRET"]) this.remember(name, values[name]);
  }

  of(kind: string): string[] {
    return [...(this.#byKind.get(kind) ?? [])];
  }

  counts(): Record<string, number> {
    return Object.fromEntries([...this.#byKind].map(([kind, { size }]) => [kind, size]));
  }

  /** A browser's way to the server: keeps what redirects carry (codes, our state and nonce) and what cookies hold. */
  readonly fetch: Fetch = async (url, init) => {
    const response = await fetch(url, init);
    const target = response.headers.get("location");
    if (target !== null) {
      for (const [name, value] of new URL(target).searchParams) {
        if (["code", "state", "nonce"].includes(name)) this.remember(`redirect's ${name}`, value);
      }
    }
    for (const cookie of response.headers.getSetCookie()) {
      const [name = "", value] = (cookie.split(";")[0] ?? "").split("=");
      if (value !== "") this.remember(`cookie ${name.replace(/-[\w-]{16}$/, "")}`, value);
    }
    return response;
  };

  /** An application that keeps what it is given, and what it makes up. */
  provider(): TestProvider {
    const provider = new RecordingProvider(this);
    this.remember("client's state", provider.state());
    return provider;
  }

  /** @returns The kinds of those that are in a text, as they are or as they look in a URL, in base64 or in hex. */
  found(text: string): string[] {
    return [...this.#byKind].flatMap(([kind, values]) =>
      [...values].some((value) => disguises(value).some((disguise) => text.includes(disguise)))
        ? [kind]
        : [],
    );
  }
}

class RecordingProvider extends TestProvider {
  readonly #secrets: Secrets;

  constructor(secrets: Secrets) {
    super();
    this.#secrets = secrets;
  }

  override saveTokens(tokens: OAuthTokens): void {
    this.#secrets.remember("access token", tokens.access_token);
    this.#secrets.remember("refresh token", tokens.refresh_token);
    super.saveTokens(tokens);
  }

  override saveCodeVerifier(verifier: string): void {
    this.#secrets.remember("client's PKCE verifier", verifier);
    super.saveCodeVerifier(verifier);
  }
}

function disguises(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = bytes.toString("base64").replaceAll("=", "");
  return [
    value,
    encodeURIComponent(value),
    base64,
    base64.replaceAll("+", "-").replaceAll("/", "_"),
    bytes.toString("hex"),
  ];
}
