import { ACCOUNTS } from "../../../tools/entra/directory.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import type { KeyWrapper } from "../../../shared/keys/key-wrapper.ts";
import type { Store } from "../../../shared/storage/store.ts";
import {
  addSecretsOfAnswer,
  addSecretsOfHeaders,
  addSecretsOfRequest,
} from "./exchange-secrets.ts";
import { type Leak, Secrets } from "./secrets.ts";

type FetchInit = Parameters<typeof fetch>[1];

/**
 * What the servers of one test file have logged, and every secret that was used with them. Each test file runs in a
 * process of its own and starts its own servers: no secret of one file can be in the log of another.
 */
class Recorder {
  readonly secrets = new Secrets();
  readonly lines: string[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #installations: { store: Store; wrapper: KeyWrapper }[] = [];

  constructor() {
    for (const { profile } of Object.values(ACCOUNTS)) {
      this.secrets.add("name", profile.displayName);
      this.secrets.add("mail address", profile.mail);
      this.secrets.add("object id", profile.id);
      for (const phone of profile.businessPhones) this.secrets.add("phone number", phone);
    }
  }

  /** Keeps a line of a log. */
  readonly line = (line: string): void => {
    this.lines.push(line);
  };

  /** Keeps the secrets of an exchange with a server. The answer stays to be read. */
  exchange(init: FetchInit, response: Response): void {
    addSecretsOfRequest(this.secrets, init?.body);
    this.#later(addSecretsOfAnswer(this.secrets, response));
  }

  /** Keeps the secrets in the headers of an answer. */
  headers(headers: Headers): void {
    addSecretsOfHeaders(this.secrets, headers);
  }

  /** Keeps what the settings of a server have to hide. */
  settings(values: Readonly<Record<string, string | undefined>>): void {
    for (const name of ["LOCAL_KEY", "ENTRA_CLIENT_SECRET"]) {
      const value = values[name];
      if (value !== undefined) this.secrets.add(name, value);
    }
    const clients = values["REGISTERED_CLIENTS"] ?? "";
    for (const [, secret = ""] of clients.matchAll(/"client_secret":"([^"]{16,})"/g)) {
      this.secrets.add("client_secret", secret);
    }
  }

  /** Keeps the keys in this store, when the file has come to its end. */
  installation(store: Store, wrapper: KeyWrapper): void {
    this.#installations.push({ store, wrapper });
  }

  /** Keeps the keys in this store now: it is about to go away. */
  async keysOf(store: Store, wrapper: KeyWrapper): Promise<void> {
    // Most files have no server, and need not load what opens keys.
    const { addKeys } = await import("./key-secrets.ts");
    return addKeys(this.secrets, store, wrapper);
  }

  /** Keeps what the stand-in has handed out, and what was handed to it: not all of it passes the test by. */
  entra(entra: RunningEntra): void {
    for (const { kind, value } of entra.issued()) this.secrets.add(`Entra ${kind}`, value);
  }

  /** @returns Every line that holds a secret. */
  async leaks(): Promise<Leak[]> {
    // A body that broke off gave its reader no secret; a store that a test has broken has no keys to give.
    await Promise.allSettled(this.#pending);
    await Promise.allSettled(
      this.#installations.map(({ store, wrapper }) => this.keysOf(store, wrapper)),
    );
    return this.secrets.leaksIn(this.lines);
  }

  #later(work: Promise<void>): void {
    this.#pending.add(work);
    work.catch(() => undefined).finally(() => this.#pending.delete(work));
  }
}

/** The one of this test file. */
export const recorder = new Recorder();
