import { z } from "zod";
import { ACCOUNT_NAMES, ACCOUNTS } from "../directory.ts";

/** A subscription to the changes of somebody's calendar; times are milliseconds. */
export const SubscriptionSchema = z.object({
  id: z.string(),
  /** Whose calendar it watches. */
  account: z.enum(ACCOUNT_NAMES),
  /** The application that made it; nobody else can see it. */
  applicationId: z.string(),
  resource: z.string(),
  /** The kinds of change that it watches, comma-separated, as they were asked for. */
  changeType: z.string(),
  notificationUrl: z.string(),
  lifecycleNotificationUrl: z.string().nullable(),
  clientState: z.string().nullable(),
  expiresAt: z.number(),
  /** When a token last proved that the person may still read the calendar. */
  authorizedAt: z.number(),
  /** When that token expires: after that, changes are no longer told. */
  authorizedUntil: z.number(),
});

export type Subscription = Readonly<z.infer<typeof SubscriptionSchema>>;

/** A subscription as Graph writes it. */
export function subscriptionResource(subscription: Subscription) {
  return {
    id: subscription.id,
    resource: subscription.resource,
    applicationId: subscription.applicationId,
    changeType: subscription.changeType,
    clientState: subscription.clientState,
    notificationUrl: subscription.notificationUrl,
    notificationQueryOptions: null,
    lifecycleNotificationUrl: subscription.lifecycleNotificationUrl,
    expirationDateTime: graphTime(subscription.expiresAt),
    creatorId: ACCOUNTS[subscription.account].profile.id,
    includeResourceData: null,
    latestSupportedTlsVersion: "v1_2",
    encryptionCertificate: null,
    encryptionCertificateId: null,
    notificationUrlAppId: null,
  };
}

/** A moment as Graph writes it here: with seven decimals. */
export function graphTime(moment: number): string {
  return new Date(moment).toISOString().replace("Z", "0000Z");
}
