import { KeyRotation } from "../../shared/keys/key-rotation.ts";
import type { KeyWrapper } from "../../shared/keys/key-wrapper.ts";
import { Keyring } from "../../shared/keys/keyring.ts";
import { LocalKeyWrapper } from "../../shared/keys/local-key-wrapper.ts";
import { Sealer } from "../../shared/keys/seal.ts";
import { systemRandom } from "../../shared/random.ts";
import { AccessTokens } from "../../shared/sessions/access-token.ts";
import { RefreshTokens } from "../../shared/sessions/refresh-token.ts";
import type { Session } from "../../shared/sessions/sessions.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import type { Row, Store } from "../../shared/storage/store.ts";
import { OutageStore } from "../support/outage-store.ts";
import { TestClock } from "../support/test-clock.ts";

const ISSUER = "https://mcp.example.com";
export const AUDIENCE = `${ISSUER}/sse`;
export const HOUR_SECONDS = 3_600;
export const DAY_SECONDS = 24 * HOUR_SECONDS;

const session: Session = {
  id: "session-1",
  userKey: "user-1",
  clientId: "client-1",
  clientName: "Client One",
  scopes: ["mcp"],
  roles: [],
  resource: AUDIENCE,
  createdAt: 0,
  idleUntil: 0,
  endsAt: 0,
};

/** One set of tables and one clock, and any number of instances on them. */
export class Installation {
  readonly clock = new TestClock();
  readonly store: Store;
  readonly wrapper: () => KeyWrapper;

  /** @param options.wrapper Makes the adapter of each new instance. */
  constructor(options: { store?: Store; wrapper?: () => KeyWrapper } = {}) {
    this.store = options.store ?? new MemoryStore();
    this.wrapper =
      options.wrapper ?? (() => new LocalKeyWrapper(Buffer.alloc(32, 7).toString("base64url")));
  }

  /** A new instance: it has read nothing yet. */
  instance() {
    const { clock } = this;
    const random = systemRandom;
    const store = new OutageStore(this.store);
    const wrapper = this.wrapper();
    const keyring = new Keyring({ store, wrapper, clock, random });
    const rotation = new KeyRotation({ store, wrapper, keyring, clock, random });
    const sealer = new Sealer(keyring);
    const accessTokens = new AccessTokens({
      keyring,
      clock,
      random,
      issuer: ISSUER,
      // The longest that the settings allow.
      accessTokenTtlSeconds: DAY_SECONDS,
    });
    const refreshTokens = new RefreshTokens({ keyring, random });
    return {
      store,
      keyring,
      rotation,
      sign: () => accessTokens.issue(session, ["mcp"], AUDIENCE),
      verify: (token: string) => accessTokens.verify(token, [AUDIENCE]),
      seal: (text: string) => sealer.seal("token-cache", "session-1", text),
      open: (sealed: string) => sealer.open("token-cache", "session-1", sealed),
      makeRefreshToken: () => refreshTokens.make("user-1", "session-1", 1),
      readRefreshToken: (token: string) => refreshTokens.read(token),
      publishedKids: async () => (await keyring.publicKeys()).map((jwk) => jwk.kid),
    };
  }

  /** What the timer does, on an instance of its own. @returns The changes, in the order they were made. */
  async maintain(): Promise<string[]> {
    const changes: string[] = [];
    await this.instance().rotation.run(({ change, key }) =>
      changes.push(`${key.split(" ")[0]} ${change}`),
    );
    return changes;
  }

  /** Lets time pass, with maintenance at every step. @returns The changes. */
  async pass({ days, stepSeconds = DAY_SECONDS }: { days: number; stepSeconds?: number }) {
    const changes: string[] = [];
    for (let passed = 0; passed < days * DAY_SECONDS; passed += stepSeconds) {
      this.clock.advance({ seconds: stepSeconds });
      changes.push(...(await this.maintain()));
    }
    return changes;
  }

  rows(kind: "data" | "signing"): Promise<Row[]> {
    return Array.fromAsync(this.store.list("keys", kind));
  }
}
