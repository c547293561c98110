import { sha256 } from "../digest.ts";
import type { Identity } from "../entra/entra.ts";

/**
 * The opaque key of a person: the `sub` of our tokens and the partition of everything that is theirs. The
 * same person in the same tenant always has the same one; it tells nothing about them.
 */
export function userKeyOf({ tenantId, objectId }: Pick<Identity, "tenantId" | "objectId">): string {
  return sha256(`${tenantId}/${objectId}`.toLowerCase());
}
