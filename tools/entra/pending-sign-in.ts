import { z } from "zod";
import { AadError } from "./aad-error.ts";
import { AuthorizationRequestSchema } from "./authorization-request.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { ACCOUNT_NAMES } from "./directory.ts";
import type { AccountName } from "./directory.ts";
import type { Call, StandIn } from "./stand-in.ts";

const SIGN_IN_TTL_SECONDS = 60 * 60;

const PendingSignInSchema = z.object({
  request: AuthorizationRequestSchema,
  /** Chosen in the picker; there on the consent page only. */
  account: z.enum(ACCOUNT_NAMES).optional(),
  expiresAt: z.number(),
});

/**
 * Where a sign-in form posts to: the authorization endpoint, with the sign-in so far sealed into one parameter.
 * Nothing is kept in memory, so a picker that is open survives a restart.
 */
export async function signInAction(
  standIn: StandIn,
  request: AuthorizationRequest,
  account?: AccountName,
): Promise<string> {
  const expiresAt = standIn.now().getTime() + SIGN_IN_TTL_SECONDS * 1000;
  const sealed = await standIn.keys.seal("sign-in", { request, account, expiresAt });
  return `/${request.tenant}/oauth2/v2.0/authorize?ctx=${sealed}`;
}

/**
 * Opens what `signInAction` sealed.
 *
 * @returns the request, and the account where one was chosen
 * @throws AadError 90023 for a form that is not ours or older than an hour
 */
export async function openSignIn(standIn: StandIn, call: Call) {
  const sealed = call.url.searchParams.get("ctx") ?? "";
  const opened = PendingSignInSchema.safeParse(await standIn.keys.open("sign-in", sealed));
  if (!opened.success || opened.data.expiresAt < standIn.now().getTime()) {
    throw new AadError(90023, { detail: "this sign-in has expired, start again" });
  }
  return opened.data;
}
