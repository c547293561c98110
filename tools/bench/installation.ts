import { systemClock } from "../../shared/clock.ts";
import { loadConfig } from "../../shared/config.ts";
import { jsonLog } from "../../shared/log.ts";
import { createParts } from "../../shared/parts.ts";
import { randomId, randomSecret, systemRandom } from "../../shared/random.ts";
import type { Session } from "../../shared/sessions/sessions.ts";
import { tableAccess } from "../../shared/storage/table-access.ts";
import { TableStore } from "../../shared/storage/table-store.ts";
import { startEntra } from "../entra/start-entra.ts";
import { ROOT } from "../stack/command-line.ts";
import { azuriteConnectionString, planLocalStack, SAMPLE } from "../stack/local-settings.ts";
import { freePort } from "../stack/ports.ts";
import { startAzurite } from "../stack/start-azurite.ts";
import { IDENTITY } from "./identity.ts";

/** Sessions that are made at the same time. */
const AT_ONCE = 32;

const DAY_MS = 86_400_000;

/** About what MSAL keeps of one sign-in: four tokens and an account. */
const TOKEN_CACHE = JSON.stringify({ tokens: "x".repeat(8_000) });

/** The tables that all servers of a run share, and the Entra stand-in. */
export interface Installation {
  /** The settings of every server of it. */
  readonly env: Readonly<Record<string, string>>;
  /** Each a person of their own. @returns An access token for each new session. */
  addSessions(count: number): Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts Azurite, in memory, and the Entra stand-in. */
export async function startInstallation(): Promise<Installation> {
  const ports = { table: await freePort(), blob: await freePort(), queue: await freePort() };
  const azurite = await startAzurite({ ports });
  const entra = await startEntra({ port: 0 });
  const { values } = planLocalStack(ROOT, { ...ports, entra: entra.port }, {}, SAMPLE);
  // Who signs in again and again from one address is held back otherwise.
  const env = {
    ...values,
    RATE_LIMIT_FACTOR: "1000",
    PUBLIC_BASE_URL: "http://localhost:7071",
    AzureWebJobsStorage: azuriteConnectionString(ports),
  };

  const config = loadConfig(env);
  const { sessions, accessTokens, resources } = createParts(config, {
    store: new TableStore(tableAccess(config)),
    clock: systemClock,
    random: systemRandom,
    log: jsonLog(() => undefined),
  });
  return {
    env,
    async addSessions(count) {
      const tokens: string[] = [];
      let left = count;
      const worker = async () => {
        while (left-- > 0) {
          const session = newSession(resources.of(""));
          await sessions.create(session, IDENTITY, TOKEN_CACHE);
          tokens.push(await accessTokens.issue(session, session.scopes, session.resource));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      return tokens;
    },
    async stop() {
      await entra.stop();
      await azurite.stop();
    },
  };
}

function newSession(resource: string): Session {
  const now = systemClock.now();
  return {
    id: randomId(systemRandom),
    // As long as a real one, which is a hash.
    userKey: randomSecret(systemRandom),
    clientId: "load",
    clientName: "Load",
    scopes: ["mcp", "user.read"],
    roles: [],
    resource,
    createdAt: now,
    idleUntil: now + 30 * DAY_MS,
    endsAt: now + 90 * DAY_MS,
  };
}
