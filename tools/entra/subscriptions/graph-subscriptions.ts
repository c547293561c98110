import { randomUUID } from "node:crypto";
import { graphFault } from "../faults.ts";
import { graphCaller } from "../graph-caller.ts";
import type { GraphCaller } from "../graph-caller.ts";
import { graphError } from "../graph-error.ts";
import type { Call, StandIn } from "../stand-in.ts";
import { parseRenewal, parseSubscription } from "./subscription-request.ts";
import { subscriptionResource } from "./subscription.ts";
import type { Subscription } from "./subscription.ts";
import { validateEndpoint } from "./validate-endpoint.ts";

/** `POST /v1.0/subscriptions`: checks the request, validates its endpoints, and begins to notify them. */
export const subscribe = subscriptionEndpoint("Create", async (standIn, call, caller) => {
  const fault = graphFault(standIn, call, standIn.switches.current().subscribeFault);
  if (fault) {
    return fault;
  }
  const request = parseSubscription(call.body, standIn.now().getTime());
  if ("message" in request) {
    return graphError(standIn, call, 400, request.code, request.message);
  }
  // One that is named twice is asked twice, as by Graph.
  const urls = [request.notificationUrl, request.lifecycleNotificationUrl ?? []].flat();
  const problems = await Promise.all(urls.map((url) => validateEndpoint(standIn.wait, url)));
  const problem = problems.find((found) => found !== undefined);
  if (problem !== undefined) {
    return graphError(standIn, call, 400, "ValidationError", problem);
  }
  const subscription: Subscription = {
    id: randomUUID(),
    account: caller.account.name,
    applicationId: caller.applicationId,
    ...request,
    ...authorization(standIn, caller),
  };
  standIn.subscriptions.put(subscription);
  if (subscription.clientState !== null) {
    const { account, clientState: value } = subscription;
    standIn.ledger.record({ kind: "client_state", account, value });
  }
  return written(standIn, subscription, 201);
});

/** `GET /v1.0/subscriptions`: those that the application made for this person. */
export const listSubscriptions = subscriptionEndpoint("Read", async (standIn, _call, caller) =>
  Response.json({
    "@odata.context": `${standIn.base}/v1.0/$metadata#subscriptions`,
    value: standIn.subscriptions
      .all()
      .filter((subscription) => isOwn(subscription, caller))
      .map(subscriptionResource),
  }),
);

/** `GET /v1.0/subscriptions/{id}` */
export const getSubscription = subscriptionEndpoint("Read", async (standIn, call, caller) => {
  const subscription = ownSubscription(standIn, call, caller);
  return subscription ? written(standIn, subscription, 200) : notFound(standIn, call);
});

/** `PATCH /v1.0/subscriptions/{id}`: a new expiry; the token that comes with it reauthorizes, too. */
export const renewSubscription = subscriptionEndpoint("Update", async (standIn, call, caller) => {
  const fault = graphFault(standIn, call, standIn.switches.current().renewFault);
  if (fault) {
    return fault;
  }
  const subscription = ownSubscription(standIn, call, caller);
  if (!subscription) {
    return notFound(standIn, call);
  }
  const expiresAt = parseRenewal(call.body, standIn.now().getTime());
  if (typeof expiresAt !== "number") {
    return graphError(standIn, call, 400, expiresAt.code, expiresAt.message);
  }
  const renewed = { ...subscription, expiresAt, ...authorization(standIn, caller) };
  standIn.subscriptions.put(renewed);
  return written(standIn, renewed, 200);
});

/** `POST /v1.0/subscriptions/{id}/reauthorize`: a fresh token, the same expiry. */
export const reauthorizeSubscription = subscriptionEndpoint(
  "Update",
  async (standIn, call, caller) => {
    const fault = graphFault(standIn, call, standIn.switches.current().renewFault);
    if (fault) {
      return fault;
    }
    const subscription = ownSubscription(standIn, call, caller);
    if (!subscription) {
      return notFound(standIn, call);
    }
    standIn.subscriptions.put({ ...subscription, ...authorization(standIn, caller) });
    return new Response(null, { status: 204 });
  },
);

/** `DELETE /v1.0/subscriptions/{id}`: what is already under way still arrives. */
export const unsubscribe = subscriptionEndpoint("Delete", async (standIn, call, caller) => {
  const subscription = ownSubscription(standIn, call, caller);
  if (!subscription) {
    return notFound(standIn, call);
  }
  standIn.subscriptions.remove(subscription.id);
  return new Response(null, { status: 204 });
});

/** Makes an endpoint: whoever subscribes to a calendar, or manages that, has to be allowed to read it. */
function subscriptionEndpoint(
  operation: "Create" | "Read" | "Update" | "Delete",
  handle: (standIn: StandIn, call: Call, caller: GraphCaller) => Promise<Response>,
): (standIn: StandIn, call: Call) => Promise<Response> {
  return async (standIn, call) => {
    const caller = await graphCaller(standIn, call);
    if (caller instanceof Response) {
      return caller;
    }
    if (!caller.scopes.some((scope) => scope.startsWith("Calendars.Read"))) {
      const message = `Operation: ${operation}; Exception: [Status Code: Forbidden; Reason: Access is denied. Check credentials and try again.]`;
      return graphError(standIn, call, 403, "ExtensionError", message);
    }
    return handle(standIn, call, caller);
  };
}

function ownSubscription(standIn: StandIn, call: Call, caller: GraphCaller) {
  const subscription = standIn.subscriptions.find(call.params["id"] ?? "");
  return subscription && isOwn(subscription, caller) ? subscription : undefined;
}

function isOwn(subscription: Subscription, caller: GraphCaller): boolean {
  return (
    subscription.account === caller.account.name &&
    subscription.applicationId === caller.applicationId
  );
}

function authorization(standIn: StandIn, caller: GraphCaller) {
  return { authorizedAt: standIn.now().getTime(), authorizedUntil: caller.tokenExpiresAt };
}

function written(standIn: StandIn, subscription: Subscription, status: number): Response {
  const context = `${standIn.base}/v1.0/$metadata#subscriptions/$entity`;
  return Response.json(
    { "@odata.context": context, ...subscriptionResource(subscription) },
    { status },
  );
}

function notFound(standIn: StandIn, call: Call): Response {
  return graphError(standIn, call, 404, "ResourceNotFound", "The object was not found.");
}
