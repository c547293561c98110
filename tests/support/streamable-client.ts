import {
  Client,
  type OAuthDiscoveryState,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { TestProvider } from "./sdk-client.ts";
import { type Account, signIn } from "./sign-in.ts";
import { type Fetch, UserAgent } from "./user-agent.ts";

/** As the v2 SDK wants it: it remembers which authorization server it was sent to. */
export class StreamableProvider extends TestProvider {
  #discovered: OAuthDiscoveryState | undefined;

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovered = state;
  }
  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovered;
  }
}

/** Which revisions a client speaks: those with `initialize`, or from 2026-07-28 on. */
export type Era = "sessions" | "stateless";

export interface StreamableClient {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  readonly provider: StreamableProvider;
  /** Walks the pages that the client has asked to be shown, and gives it the code. */
  signInAgain(): Promise<void>;
  close(): Promise<void>;
}

export interface StreamableOptions {
  readonly provider?: StreamableProvider;
  readonly fetch?: Fetch;
  /** Sets up the client before it connects. */
  readonly prepare?: (client: Client) => void;
}

/**
 * A client of the v2 SDK that has never seen the server: finds the way in, registers, signs in as `account`,
 * connects to `/mcp`.
 */
export async function connectStreamable(
  baseUrl: string,
  account: Account,
  era: Era,
  {
    provider = new StreamableProvider(),
    fetch = globalThis.fetch,
    prepare,
  }: StreamableOptions = {},
): Promise<StreamableClient> {
  const url = new URL("/mcp", baseUrl);
  const reconnectionOptions = {
    initialReconnectionDelay: 10,
    maxReconnectionDelay: 100,
    reconnectionDelayGrowFactor: 1.5,
    maxRetries: 5,
  };
  const options = { authProvider: provider, fetch, reconnectionOptions };
  const walk = async (transport: StreamableHTTPClientTransport) => {
    const { authorizationUrl } = provider;
    if (authorizationUrl === undefined) throw new Error("the client was not asked to sign in");
    const back = await signIn(new UserAgent(fetch), authorizationUrl, account);
    await transport.finishAuth(back.searchParams);
  };
  const connect = async () => {
    const client = new Client(
      { name: "test", version: "1" },
      {
        capabilities: { elicitation: {}, sampling: {}, roots: {} },
        versionNegotiation: { mode: era === "sessions" ? "legacy" : { pin: "2026-07-28" } },
      },
    );
    prepare?.(client);
    const transport = new StreamableHTTPClientTransport(url, options);
    await client.connect(transport);
    return { client, transport };
  };
  if (provider.tokens() === undefined) {
    const first = new StreamableHTTPClientTransport(url, options);
    const refused = await new Client({ name: "test", version: "1" }).connect(first).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(refused instanceof UnauthorizedError)) throw refused;
    await walk(first);
  }
  const { client, transport } = await connect();
  return {
    client,
    transport,
    provider,
    signInAgain: () => walk(transport),
    close: () => client.close(),
  };
}
