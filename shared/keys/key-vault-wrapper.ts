import type { TokenCredential } from "@azure/identity";
import { CryptographyClient, KeyClient, type KeyClientOptions } from "@azure/keyvault-keys";
import { aborted } from "../aborted.ts";
import { type KeyWrapper, KeysUnavailable, type WrappedKey } from "./key-wrapper.ts";

/** RSA with OAEP and SHA-256 (RFC 7518 §4.3): a key of 2048 bits wraps up to 190 bytes, so 32 fit. */
const ALGORITHM = "RSA-OAEP-256";

/** For everything an operation needs: a token of the managed identity, the challenge, the call, the retries. */
const OPERATION_TIMEOUT_MS = 10_000;

const RETRIES = { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 } as const;

/** Wraps with an RSA key in Azure Key Vault. The key itself never leaves the vault. */
export class KeyVaultWrapper implements KeyWrapper {
  readonly #keyId: string;
  readonly #name: string;
  readonly #credential: TokenCredential;
  readonly #options: KeyClientOptions;
  readonly #timeoutMs: number;
  readonly #keys: KeyClient;

  /**
   * @param deps.keyId Without a version: `https://VAULT.vault.azure.net/keys/NAME`.
   * @param deps.options Of the library: how it speaks to the vault.
   */
  constructor(deps: {
    keyId: string;
    credential: TokenCredential;
    options?: KeyClientOptions;
    timeoutMs?: number;
  }) {
    const { origin, pathname } = new URL(deps.keyId);
    this.#keyId = deps.keyId;
    this.#name = pathname.replace("/keys/", "");
    this.#credential = deps.credential;
    this.#options = { retryOptions: RETRIES, ...deps.options };
    this.#timeoutMs = deps.timeoutMs ?? OPERATION_TIMEOUT_MS;
    // The library writes into the options that it is given.
    this.#keys = new KeyClient(origin, this.#credential, { ...this.#options });
  }

  wrap(dataKey: Uint8Array<ArrayBuffer>): Promise<WrappedKey> {
    return this.#run("wrap a data key", async (options) => {
      // Given an id without a version, the library wraps with the latest and names none: so the version first.
      const key = await this.#keys.getKey(this.#name, options);
      if (key.id === undefined)
        throw new TypeError("the vault did not name the version of its key");
      const client = new CryptographyClient(key, this.#credential, { ...this.#options });
      const { result } = await client.wrapKey(ALGORITHM, dataKey, options);
      return { wrappedWith: key.id, wrapped: Buffer.from(result).toString("base64url") };
    });
  }

  async unwrap({ wrappedWith, wrapped }: WrappedKey): Promise<Uint8Array<ArrayBuffer>> {
    const version = this.#versionOf(wrappedWith);
    return this.#run(`unwrap a data key with ${wrappedWith}`, async (options) => {
      // Only named, not fetched: the library would refuse to unwrap with a version that has expired, which
      // Key Vault allows, and it would ask once more.
      const key = {
        id: wrappedWith,
        name: this.#name,
        properties: { vaultUrl: this.#keys.vaultUrl, name: this.#name, version },
      };
      const client = new CryptographyClient(key, this.#credential, { ...this.#options });
      const ciphertext = Buffer.from(wrapped, "base64url");
      const { result } = await client.unwrapKey(ALGORITHM, ciphertext, options);
      return Uint8Array.from(result);
    });
  }

  currentId(): Promise<string> {
    return this.#run("look up its version", async (options) => {
      const { id } = await this.#keys.getKey(this.#name, options);
      if (id === undefined) throw new TypeError("the vault did not name the version of its key");
      return id;
    });
  }

  /** A row that names another key is refused: whoever can write rows could have it unwrapped by a vault of his own. */
  #versionOf(wrappedWith: string): string {
    const version = wrappedWith.startsWith(`${this.#keyId}/`)
      ? wrappedWith.slice(this.#keyId.length + 1)
      : "";
    if (!/^[A-Za-z0-9-]+$/.test(version)) {
      throw new Error(
        `The data key was wrapped with ${wrappedWith}, but KEY_VAULT_KEY_ID is ${this.#keyId}. ` +
          "Restore the KEY_VAULT_KEY_ID that these tables were made with, or start with empty tables.",
      );
    }
    return version;
  }

  async #run<T>(
    what: string,
    operation: (options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const abortSignal = AbortSignal.timeout(this.#timeoutMs);
    try {
      // Not every part of the library heeds the signal: the token of a managed identity is awaited without it.
      return await Promise.race([operation({ abortSignal }), aborted(abortSignal)]);
    } catch (error) {
      if (statusOf(error) === 400) {
        throw new Error(`${this.#keyId} refused to ${what}`, { cause: error });
      }
      throw new KeysUnavailable(`${this.#keyId} could not ${what}. ${whatToDo(statusOf(error))}`, {
        cause: error,
      });
    }
  }
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

/** For the operator, in the log. */
function whatToDo(status: number | undefined): string {
  switch (status) {
    case 401:
      return "The vault did not accept the app's identity: check AZURE_CLIENT_ID and the vault's tenant.";
    case 403:
      return (
        "The app's identity needs the role Key Vault Crypto Service Encryption User on the key; a new " +
        "assignment takes up to ten minutes. A disabled key version and the vault's firewall say the same."
      );
    case 404:
      return "The key, or this version of it, is gone: recover it (docs/operate.md, Keys).";
    case undefined:
      return "The vault, or the managed identity that asks it, did not answer in time: check AZURE_CLIENT_ID and the network.";
    default:
      return `The vault answered ${status}.`;
  }
}
