import { Keyring } from "../../shared/keys/keyring.ts";
import { LocalKeyWrapper } from "../../shared/keys/local-key-wrapper.ts";
import { Sealer } from "../../shared/keys/seal.ts";
import { Resources } from "../../shared/oauth/resources.ts";
import { randomId, systemRandom } from "../../shared/random.ts";
import { AccessTokens } from "../../shared/sessions/access-token.ts";
import { BearerCheck } from "../../shared/sessions/bearer.ts";
import { RefreshTokens } from "../../shared/sessions/refresh-token.ts";
import { type Session, Sessions } from "../../shared/sessions/sessions.ts";
import { Vault } from "../../shared/sessions/vault.ts";
import { Expiries } from "../../shared/storage/expiries.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import type { Store } from "../../shared/storage/store.ts";
import { OutageStore } from "./outage-store.ts";
import { TestClock } from "./test-clock.ts";

export const ISSUER = "https://mcp.example.com";
export const LOCAL_KEY = Buffer.alloc(32, 7).toString("base64url");
export const DAY_SECONDS = 86_400;

/** What one instance of the server is made of, as far as sessions go. */
export function createSessionParts(options: { store?: Store; clock?: TestClock } = {}) {
  const store = new OutageStore(options.store ?? new MemoryStore());
  const clock = options.clock ?? new TestClock();
  const random = systemRandom;
  const keyring = new Keyring({ store, clock, random, wrapper: new LocalKeyWrapper(LOCAL_KEY) });
  const sealer = new Sealer(keyring);
  const vault = new Vault({ store, sealer });
  const sessions = new Sessions({ store, clock, vault, expiries: new Expiries({ store }) });
  const resources = new Resources(ISSUER);
  const tokenDeps = { keyring, clock, random, issuer: ISSUER, accessTokenTtlSeconds: 3_600 };
  const accessTokens = new AccessTokens(tokenDeps);
  const refreshTokens = new RefreshTokens({ keyring, random });
  const bearer = new BearerCheck({ accessTokens, sessions, resources, clock });
  return {
    store,
    clock,
    keyring,
    sealer,
    vault,
    sessions,
    accessTokens,
    refreshTokens,
    bearer,
    /** A session of 30 days that nothing is stored of yet. */
    session: (changes: Partial<Session> = {}): Session => ({
      id: randomId(random),
      userKey: randomId(random),
      clientId: "client-1",
      clientName: "Client One",
      scopes: ["mcp", "user.read"],
      roles: [],
      resource: `${ISSUER}/sse`,
      createdAt: clock.now(),
      idleUntil: clock.now() + 30 * DAY_SECONDS * 1000,
      endsAt: clock.now() + 90 * DAY_SECONDS * 1000,
      ...changes,
    }),
  };
}

export type Parts = ReturnType<typeof createSessionParts>;

export const IDENTITY = {
  tenantId: "5f3c1a52-9d0e-4b7a-8c61-2e4d7f9a1b30",
  objectId: "3b1f6d0a-5c27-4e8b-9a14-7d60c2e5f811",
  roles: [],
};
