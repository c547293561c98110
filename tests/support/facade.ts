import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Features } from "../../shared/features/feature.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "./oauth-client.ts";
import { createTestApp, type TestApp } from "./test-app.ts";
import { UserAgent } from "./user-agent.ts";

/** What a test of the OAuth endpoints works with: everything but Entra is new in each test. */
export interface Facade {
  readonly entra: RunningEntra;
  readonly app: TestApp;
  /** Registered, with one loopback redirect URI. */
  readonly client: OAuthTestClient;
  /** Another registered client. */
  stranger(): Promise<OAuthTestClient>;
  /** A browser that has never been here. */
  browser(): UserAgent;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** The status of `GET /sse`; the stream, if there is one, is closed again. */
  sseStatus(accessToken: string): Promise<number>;
}

/** Starts an Entra stand-in for a test file and makes a new app, with a client, for each of its tests. */
export function useFacade(env: Record<string, string> = {}, features?: Features): Facade {
  let entra: RunningEntra | undefined;
  let app: TestApp | undefined;
  let client: OAuthTestClient | undefined;
  beforeAll(async () => {
    entra = await startEntra({ port: 0 });
  });
  afterAll(() => entra?.stop());
  beforeEach(async () => {
    entra?.reset();
    app = createTestApp({
      entraUrl: started(entra).url,
      env,
      ...(features !== undefined && { features }),
    });
    client = await newClient();
  });
  const newClient = () => new OAuthTestClient(started(app).baseUrl, started(app).fetch).register();
  const get = (path: string, headers: Record<string, string> = {}) =>
    started(app).fetch(new URL(path, started(app).baseUrl), { headers });
  return {
    get entra() {
      return started(entra);
    },
    get app() {
      return started(app);
    },
    get client() {
      return started(client);
    },
    stranger: newClient,
    browser: () => new UserAgent(started(app).fetch),
    get,
    async sseStatus(accessToken) {
      const response = await get("/sse", { authorization: `Bearer ${accessToken}` });
      await response.body?.cancel();
      return response.status;
    },
  };
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("only inside a test");
  return value;
}
