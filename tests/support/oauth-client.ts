import { createHash, randomBytes } from "node:crypto";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { type Account, signIn } from "./sign-in.ts";
import { type Fetch, UserAgent } from "./user-agent.ts";

export const REDIRECT_URI = "http://localhost:33418/callback";

/** A client as a test wants it: every parameter can be left out, doubled or wrong. */
export class OAuthTestClient {
  readonly #fetch: Fetch;
  readonly #baseUrl: string;
  readonly verifier: string;
  readonly challenge: string;
  id = "";

  constructor(
    baseUrl: string,
    fetch: Fetch,
    verifier: string = randomBytes(32).toString("base64url"),
  ) {
    this.#baseUrl = baseUrl;
    this.#fetch = fetch;
    this.verifier = verifier;
    this.challenge = createHash("sha256").update(verifier).digest("base64url");
  }

  /** The same client, with another way to the server. */
  through(fetch: Fetch): OAuthTestClient {
    const same = new OAuthTestClient(this.#baseUrl, fetch, this.verifier);
    same.id = this.id;
    return same;
  }

  /** Registers, and remembers the client id. */
  async register(metadata: Record<string, unknown> = {}): Promise<this> {
    const response = await this.postJson("/register", {
      client_name: "Test client",
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: "none",
      ...metadata,
    });
    const { client_id: id } = (await response.json()) as { client_id: string };
    this.id = id;
    return this;
  }

  /** @param changes Replace parameters; undefined leaves one out. */
  authorizationUrl(changes: Record<string, string | undefined> = {}): URL {
    const url = new URL("/authorize", this.#baseUrl);
    url.search = new URLSearchParams(
      defined({
        response_type: "code",
        client_id: this.id,
        redirect_uri: REDIRECT_URI,
        state: "the-state",
        code_challenge: this.challenge,
        code_challenge_method: "S256",
        resource: `${this.#baseUrl}/sse`,
        ...changes,
      }),
    ).toString();
    return url;
  }

  /** Signs a person in. @returns A code of ours. */
  async code(
    account: Account = "alice",
    changes: Record<string, string | undefined> = {},
  ): Promise<string> {
    const agent = new UserAgent(this.#fetch);
    const back = await signIn(agent, this.authorizationUrl(changes), account);
    const code = back.searchParams.get("code");
    if (code === null) throw new Error(`no code: ${back}`);
    return code;
  }

  /** Posts to `/token` to redeem `code`. */
  redeem(code: string, changes: Record<string, string | undefined> = {}): Promise<Response> {
    return this.postForm("/token", {
      grant_type: "authorization_code",
      client_id: this.id,
      redirect_uri: REDIRECT_URI,
      code,
      code_verifier: this.verifier,
      ...changes,
    });
  }

  /** Posts to `/token` to refresh. */
  refresh(
    refreshToken: string,
    changes: Record<string, string | undefined> = {},
  ): Promise<Response> {
    return this.postForm("/token", {
      grant_type: "refresh_token",
      client_id: this.id,
      refresh_token: refreshToken,
      ...changes,
    });
  }

  /** From nothing to tokens. */
  async tokens(
    account: Account = "alice",
    changes: Record<string, string | undefined> = {},
  ): Promise<TokenResponse> {
    if (this.id === "") await this.register();
    const response = await this.redeem(await this.code(account, changes));
    if (response.status !== 200) throw new Error(`no tokens: ${await response.text()}`);
    return (await response.json()) as TokenResponse;
  }

  postForm(path: string, fields: Record<string, string | undefined>): Promise<Response> {
    return this.#fetch(new URL(path, this.#baseUrl), {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(defined(fields)).toString(),
    });
  }

  postJson(path: string, body: unknown): Promise<Response> {
    return this.#fetch(new URL(path, this.#baseUrl), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }
}

function defined(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
