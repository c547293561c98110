import { randomBytes } from "node:crypto";
import { z } from "zod";
import { AadError } from "./aad-error.ts";
import { parseClaims } from "./claims.ts";
import type { Application } from "./directory.ts";
import { isChallenged } from "./faults.ts";
import type { Grant } from "./grant.ts";
import { GrantSchema } from "./grant.ts";
import type { Redeemed } from "./redeemed.ts";
import { formOf } from "./stand-in.ts";
import type { Call, StandIn } from "./stand-in.ts";

/** Registered as `web`, refresh tokens are good for 90 days of inactivity. */
const REFRESH_TOKEN_TTL_SECONDS = 90 * 24 * 60 * 60;

/** Real ones have 1,000 to 2,000 characters; whoever stores them should meet that size here. */
const PADDING_BYTES = 480;

const RefreshTokenSchema = z.object({ grant: GrantSchema, issuedAt: z.number() });

/** Makes a refresh token: the grant and its moment, sealed, so that a restart forgets none. */
export async function issueRefreshToken(standIn: StandIn, grant: Grant): Promise<string> {
  const sealed = await standIn.keys.seal("refresh-token", {
    grant,
    issuedAt: standIn.now().getTime(),
    padding: randomBytes(PADDING_BYTES).toString("base64url"),
  });
  return `1.${sealed}`;
}

/**
 * Checks a refresh token: ours, this client's, not expired. It is replaced at use, yet the old one stays valid,
 * as in Entra: two instances that refresh at once both succeed.
 *
 * @throws AadError 90014, 9002313 (not ours), 70000 (another client's), 700082 (90 days), 50076 (claims asked for
 *   that only a sign-in can bring)
 */
export async function redeemRefreshToken(
  standIn: StandIn,
  call: Call,
  application: Application,
): Promise<Redeemed> {
  const form = formOf(call);
  const presented = form.get("refresh_token");
  if (!presented) {
    throw new AadError(90014, { detail: "refresh_token" });
  }
  const opened = RefreshTokenSchema.safeParse(
    await standIn.keys.open("refresh-token", presented.slice("1.".length)),
  );
  if (!opened.success) {
    throw new AadError(9002313);
  }
  const { grant, issuedAt } = opened.data;
  if (grant.clientId !== application.clientId) {
    throw new AadError(70000);
  }
  if (issuedAt + REFRESH_TOKEN_TTL_SECONDS * 1000 <= standIn.now().getTime()) {
    throw new AadError(700082);
  }
  const { meetsChallenge } = parseClaims(form.get("claims") ?? undefined);
  if (meetsChallenge && isChallenged(standIn.switches, grant.account, grant)) {
    throw new AadError(50076);
  }
  return { grant, nonce: undefined, clientInfo: false, commit: () => undefined };
}
