import { z } from "zod";
import { ACCOUNT_NAMES } from "./directory.ts";

/** What a sign-in gave to an application: everything that codes and refresh tokens stand for. */
export const GrantSchema = z.object({
  account: z.enum(ACCOUNT_NAMES),
  clientId: z.string(),
  /** The `scope` of the authorization request, as it was written. */
  scope: z.string(),
  /** When the person signed in, as a serial: later than a switch, or not. */
  serial: z.number(),
  /** Whether the sign-in answered a claims challenge. */
  challengeMet: z.boolean(),
});

export type Grant = z.infer<typeof GrantSchema>;
