import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { TokenCredential } from "@azure/identity";
import { z } from "zod";
import { KeyVaultWrapper } from "../../shared/keys/key-vault-wrapper.ts";

const KEY_NAME = "data";
const CHALLENGE =
  'Bearer authorization="https://login.windows.net/5f3c1a52-9d0e-4b7a-8c61-2e4d7f9a1b30", ' +
  'resource="https://vault.azure.net"';

const operation = z.object({ alg: z.literal("RSA-OAEP-256"), value: z.base64url() });

interface Version {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  expiresAt?: number;
}

/** How the vault fails: with a status, or by never answering. */
export type VaultFault = number | "silent" | undefined;

/**
 * A key vault on this machine with one real RSA key: it challenges, shows the key and its versions, wraps
 * and unwraps, as the service's REST API does (GET key, wrapKey, unwrapKey; version 2025-07-01).
 */
export class LocalKeyVault {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #versions: Version[] = [];
  readonly #token = randomBytes(16).toString("base64url");
  #url = "";
  /** Method and path of everything that was asked. */
  readonly requests: string[] = [];
  fault: VaultFault;
  /** How often somebody wanted a token for the vault. */
  tokens = 0;

  static async start(): Promise<LocalKeyVault> {
    const vault = new LocalKeyVault();
    vault.#server.listen(0, "127.0.0.1");
    await once(vault.#server, "listening");
    const address = vault.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    vault.#url = `http://127.0.0.1:${address.port}`;
    vault.rotate();
    return vault;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  get keyId(): string {
    return `${this.#url}/keys/${KEY_NAME}`;
  }

  /** The id of the newest version. */
  get versionId(): string {
    return `${this.keyId}/${this.#versions.at(-1)?.id}`;
  }

  readonly credential: TokenCredential = {
    getToken: async () => {
      this.tokens += 1;
      return { token: this.#token, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };

  /** The adapter as production has it, but for what https and the vault's domain ask for. */
  wrapper(options: { timeoutMs?: number; credential?: TokenCredential } = {}): KeyVaultWrapper {
    return new KeyVaultWrapper({
      keyId: this.keyId,
      credential: this.credential,
      options: {
        allowInsecureConnection: true,
        disableChallengeResourceVerification: true,
        retryOptions: { maxRetries: 0 },
      },
      ...options,
    });
  }

  /** Makes a new version of the key; the old ones go on unwrapping. */
  rotate(): void {
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
    this.#versions.push({ id: randomBytes(16).toString("hex"), ...pair });
  }

  /** What Key Vault does where every version but the newest is disabled. */
  disableOldVersions(): void {
    this.#versions.splice(0, this.#versions.length - 1);
  }

  /** The newest version has expired: it unwraps, and wraps no more. */
  expire(): void {
    const newest = this.#versions.at(-1);
    if (newest !== undefined) newest.expiresAt = Math.floor(Date.now() / 1000) - 60;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", this.#url);
    this.requests.push(`${request.method} ${pathname}`);
    const body = await text(request);
    if (this.fault === "silent") return;
    if (this.fault !== undefined) return fail(response, this.fault, "Fault");
    if (request.headers.authorization !== `Bearer ${this.#token}`) {
      response.setHeader("WWW-Authenticate", CHALLENGE);
      return fail(response, 401, "Unauthorized");
    }
    const [, , name, versionId, verb] = pathname.split("/");
    const version = versionId
      ? this.#versions.find(({ id }) => id === versionId)
      : this.#versions.at(-1);
    if (name !== KEY_NAME || version === undefined) return fail(response, 404, "KeyNotFound");
    if (request.method === "GET") return send(response, this.#describe(version));
    const { value } = operation.parse(JSON.parse(body));
    const result = verb === "wrapkey" ? wrap(version, value) : unwrap(version, value);
    if (result === undefined) return fail(response, 400, "BadParameter");
    send(response, { kid: `${this.keyId}/${version.id}`, value: result.toString("base64url") });
  }

  #describe(version: Version) {
    const { n, e } = version.publicKey.export({ format: "jwk" });
    return {
      key: {
        kid: `${this.keyId}/${version.id}`,
        kty: "RSA",
        key_ops: ["wrapKey", "unwrapKey"],
        n,
        e,
      },
      attributes: {
        enabled: true,
        created: 1_700_000_000,
        updated: 1_700_000_000,
        ...(version.expiresAt !== undefined && { exp: version.expiresAt }),
        recoveryLevel: "Recoverable",
      },
    };
  }
}

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };

function wrap({ publicKey, expiresAt }: Version, value: string): Buffer | undefined {
  if (expiresAt !== undefined) return undefined;
  return publicEncrypt({ key: publicKey, ...OAEP }, Buffer.from(value, "base64url"));
}

function unwrap({ privateKey }: Version, value: string): Buffer | undefined {
  try {
    return privateDecrypt({ key: privateKey, ...OAEP }, Buffer.from(value, "base64url"));
  } catch {
    return undefined;
  }
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  send(response, { error: { code, message: `${code} (as the test wants it)` } });
}

function send(response: ServerResponse, body: object): void {
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  response.end(JSON.stringify(body));
}
