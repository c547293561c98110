import { z } from "zod";
import { dataKeyRows, signingKeyRows } from "../../../shared/keys/key-rows.ts";
import type { KeyWrapper } from "../../../shared/keys/key-wrapper.ts";
import { open } from "../../../shared/keys/seal.ts";
import type { Store } from "../../../shared/storage/store.ts";
import type { Secrets } from "./secrets.ts";

const privateJwk = z.object({ d: z.string() });

/** Adds the keys that an installation has made for itself, in clear. */
export async function addKeys(secrets: Secrets, store: Store, wrapper: KeyWrapper): Promise<void> {
  const dataKeys = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const { value } of await dataKeyRows(store).all()) {
    const secret = await wrapper.unwrap(value);
    dataKeys.set(value.kid, secret);
    const bytes = Buffer.from(secret);
    for (const encoding of ["base64url", "hex"] as const) {
      secrets.add("data key", bytes.toString(encoding));
    }
  }
  const keyOf = async (kid: string) => {
    const secret = dataKeys.get(kid);
    return secret && { kid, secret };
  };
  for (const { value } of await signingKeyRows(store).all()) {
    const text = await open(keyOf, "signing-key", value.kid, value.sealed);
    secrets.add("signing key", privateJwk.parse(JSON.parse(text)).d);
  }
}
