import { randomUUID } from "node:crypto";
import type { OAuthClientProvider } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import type { ClientCapabilities } from "@modelcontextprotocol/sdk/types.js";
import type {
  OAuthClientInformationMixed,
  OAuthTokens,
} from "@modelcontextprotocol/sdk/shared/auth.js";
import { type Account, signIn } from "./sign-in.ts";
import { type Fetch, UserAgent } from "./user-agent.ts";

const REDIRECT_URL = "http://localhost:33418/callback";

/** What the SDK asks of an application: where it keeps its registration and tokens, and how to open a browser. */
export class TestProvider implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URL;
  readonly clientMetadata = {
    client_name: "Test client",
    redirect_uris: [REDIRECT_URL],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  authorizationUrl: URL | undefined;
  #information: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = "";
  readonly #state = randomUUID();

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#information;
  }
  saveClientInformation(information: OAuthClientInformationMixed): void {
    this.#information = information;
  }
  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }
  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }
  redirectToAuthorization(url: URL): void {
    this.authorizationUrl = url;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier(): string {
    return this.#verifier;
  }
  state(): string {
    return this.#state;
  }
}

export interface ConnectedClient {
  readonly client: Client;
  readonly provider: TestProvider;
  /** Closes the connection; the tokens stay good. */
  readonly close: () => Promise<void>;
}

export interface ConnectOptions {
  /** How the client and the browser reach the server. */
  readonly fetch?: Fetch;
  /** The person's browser; a new one by default. */
  readonly agent?: UserAgent;
  readonly provider?: TestProvider;
  /** Asked for in place of the scope that the server's challenge names. */
  readonly scope?: string;
  readonly capabilities?: ClientCapabilities;
}

/**
 * A client that has never seen the server: finds the way in, registers, signs in as `account`, connects.
 *
 * @param baseUrl The server's origin.
 */
export async function connectAs(
  baseUrl: string,
  account: Account,
  {
    fetch = globalThis.fetch,
    agent = new UserAgent(fetch),
    provider = new TestProvider(),
    scope,
    capabilities = {},
  }: ConnectOptions = {},
): Promise<ConnectedClient> {
  const url = new URL("/sse", baseUrl);
  const first = new SSEClientTransport(url, { authProvider: provider, fetch });
  const refused = await newClient()
    .connect(first)
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  const { authorizationUrl } = provider;
  if (authorizationUrl === undefined) {
    throw new Error("the client was not asked to sign in", { cause: refused });
  }
  if (scope !== undefined) authorizationUrl.searchParams.set("scope", scope);
  const back = await signIn(agent, authorizationUrl, account);
  const code = back.searchParams.get("code");
  if (code === null) throw new Error(`no code: ${back}`);
  if (back.searchParams.get("state") !== provider.state()) throw new Error("another state");
  await first.finishAuth(code);
  return reconnect(baseUrl, provider, fetch, capabilities);
}

/** Connects with the registration and the tokens that `provider` has. */
export async function reconnect(
  baseUrl: string,
  provider: TestProvider,
  fetch: Fetch = globalThis.fetch,
  capabilities: ClientCapabilities = {},
): Promise<ConnectedClient> {
  const url = new URL("/sse", baseUrl);
  const transport = new SSEClientTransport(url, { authProvider: provider, fetch });
  const client = newClient(capabilities);
  await client.connect(transport);
  return { client, provider, close: () => client.close() };
}

function newClient(capabilities: ClientCapabilities = {}): Client {
  return new Client({ name: "test", version: "1" }, { capabilities });
}
