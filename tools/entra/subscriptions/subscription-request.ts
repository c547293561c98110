import { z } from "zod";
import type { Refusal } from "../graph-error.ts";
import { parseMoment } from "../outlook-time.ts";
import { isCallable } from "./call-endpoint.ts";

const MAX_LIFETIME_MINUTES = 4_230;
/** Graph lifts shorter lifetimes to this. */
const MIN_LIFETIME_MINUTES = 45;
const MAX_CLIENT_STATE_CHARACTERS = 128;
const CHANGE_TYPES = ["created", "updated", "deleted"];
const RESOURCES = ["me/events", "/me/events"];

const NewSubscriptionSchema = z.strictObject({
  changeType: z.string(),
  notificationUrl: z.string(),
  lifecycleNotificationUrl: z.string().nullable().default(null),
  resource: z.string(),
  expirationDateTime: z.string(),
  clientState: z.string().nullable().default(null),
  latestSupportedTlsVersion: z.enum(["v1_2", "v1_3"]).optional(),
});

const RenewalSchema = z.strictObject({ expirationDateTime: z.string() });

/** What is to be subscribed to. */
export interface SubscriptionRequest {
  readonly resource: string;
  readonly changeType: string;
  readonly notificationUrl: string;
  readonly lifecycleNotificationUrl: string | null;
  readonly clientState: string | null;
  /** Milliseconds. */
  readonly expiresAt: number;
}

/**
 * Reads the body of `POST /subscriptions`.
 *
 * @param now the moment, in milliseconds
 * @returns what is asked for, or the error to answer with
 */
export function parseSubscription(body: string, now: number): SubscriptionRequest | Refusal {
  const request = parseJson(body, NewSubscriptionSchema);
  if ("message" in request) {
    return request;
  }
  const { changeType, resource, notificationUrl, lifecycleNotificationUrl, clientState } = request;
  const changes = changeType.split(",");
  if (!changes.every((change) => CHANGE_TYPES.includes(change.trim().toLowerCase()))) {
    return invalid(`The changeType '${changeType}' is not supported.`);
  }
  if (!RESOURCES.includes(resource.toLowerCase())) {
    return invalid(`The resource '${resource}' is not supported; the stand-in knows me/events.`);
  }
  const refusal =
    checkUrl("NotificationUrl", notificationUrl) ??
    (lifecycleNotificationUrl === null
      ? undefined
      : checkUrl("LifecycleNotificationUrl", lifecycleNotificationUrl));
  if (refusal) {
    return refusal;
  }
  if ((clientState ?? "").length > MAX_CLIENT_STATE_CHARACTERS) {
    return invalid(`ClientState has more than ${MAX_CLIENT_STATE_CHARACTERS} characters.`);
  }
  const expiresAt = parseExpiration(request.expirationDateTime, now);
  return typeof expiresAt === "number"
    ? { resource, changeType, notificationUrl, lifecycleNotificationUrl, clientState, expiresAt }
    : expiresAt;
}

/**
 * Reads the body of `PATCH /subscriptions/{id}`: the expiry is all that can change.
 *
 * @returns the new expiry in milliseconds, or the error to answer with
 */
export function parseRenewal(body: string, now: number): number | Refusal {
  const request = parseJson(body, RenewalSchema);
  return "message" in request ? request : parseExpiration(request.expirationDateTime, now);
}

const invalid = (message: string): Refusal => ({ code: "InvalidRequest", message });

function parseJson<T>(body: string, schema: z.ZodType<T>): T | Refusal {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { code: "BadRequest", message: "Unable to read JSON request payload." };
  }
  const { data, error } = schema.safeParse(json);
  return error ? invalid(z.prettifyError(error)) : data;
}

function checkUrl(name: string, text: string): Refusal | undefined {
  const url = URL.parse(text);
  if (!url) {
    return invalid(`Invalid notification url='${text}'.`);
  }
  return isCallable(url)
    ? undefined
    : invalid(
        `${name} '${text}' is not supported: the stand-in calls http on loopback only, the real Graph https only.`,
      );
}

function parseExpiration(text: string, now: number): number | Refusal {
  const asked = parseMoment(text);
  if (asked === undefined) {
    return invalid(`The expirationDateTime '${text}' is not a time.`);
  }
  if (asked <= now) {
    return invalid("Subscription expiration must be in the future.");
  }
  if (asked > now + MAX_LIFETIME_MINUTES * 60_000) {
    return {
      code: "ExtensionError",
      message: `Subscription expiration can only be ${MAX_LIFETIME_MINUTES} minutes in the future.`,
    };
  }
  return Math.max(asked, now + MIN_LIFETIME_MINUTES * 60_000);
}
