import { webcrypto } from "node:crypto";
import { sha256 } from "../digest.ts";
import type { KeyWrapper, WrappedKey } from "./key-wrapper.ts";

/** Wraps with a key from the settings, by AES key wrap (RFC 3394). For development only. */
export class LocalKeyWrapper implements KeyWrapper {
  readonly #secret: Uint8Array<ArrayBuffer>;
  readonly #id: string;

  /** @param localKey 32 bytes, base64url. */
  constructor(localKey: string) {
    this.#secret = Uint8Array.from(Buffer.from(localKey, "base64url"));
    this.#id = `local:${sha256(localKey).slice(0, 8)}`;
  }

  async wrap(dataKey: Uint8Array<ArrayBuffer>): Promise<WrappedKey> {
    const key = await importAesKey(dataKey);
    const wrapped = await webcrypto.subtle.wrapKey("raw", key, await this.#wrappingKey(), "AES-KW");
    return { wrappedWith: this.#id, wrapped: Buffer.from(wrapped).toString("base64url") };
  }

  async unwrap({ wrappedWith, wrapped }: WrappedKey): Promise<Uint8Array<ArrayBuffer>> {
    if (wrappedWith !== this.#id) {
      throw new Error(
        `The data key was wrapped with ${wrappedWith}, but LOCAL_KEY is ${this.#id}. ` +
          "Restore the LOCAL_KEY that these tables were made with, or start with empty tables.",
      );
    }
    const key = await webcrypto.subtle.unwrapKey(
      "raw",
      Buffer.from(wrapped, "base64url"),
      await this.#wrappingKey(),
      "AES-KW",
      "AES-GCM",
      true,
      ["encrypt"],
    );
    return new Uint8Array(await webcrypto.subtle.exportKey("raw", key));
  }

  async currentId(): Promise<string> {
    return this.#id;
  }

  #wrappingKey(): Promise<webcrypto.CryptoKey> {
    return webcrypto.subtle.importKey("raw", this.#secret, "AES-KW", false, [
      "wrapKey",
      "unwrapKey",
    ]);
  }
}

function importAesKey(bytes: Uint8Array<ArrayBuffer>): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("raw", bytes, "AES-GCM", true, ["encrypt"]);
}
