import type { JWK } from "jose";
import { z } from "zod";

const MAX_KEYS = 20;
/** What a property of an entity holds comfortably. */
const MAX_LENGTH = 16_384;

const ASYMMETRIC: readonly unknown[] = ["EC", "OKP", "RSA"];

/** A key set as strangers publish it (RFC 7517 §5): public keys only, for a private one there is no secret any more. */
export const keySet = z
  .object({ keys: z.array(z.custom<JWK>(isPublicKey)).min(1).max(MAX_KEYS) })
  .refine((set) => JSON.stringify(set).length <= MAX_LENGTH);

function isPublicKey(key: unknown): boolean {
  return (
    typeof key === "object" &&
    key !== null &&
    "kty" in key &&
    ASYMMETRIC.includes(key.kty) &&
    !("d" in key) &&
    !("k" in key)
  );
}
