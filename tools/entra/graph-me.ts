import { graphCaller } from "./graph-caller.ts";
import { graphError } from "./graph-error.ts";
import { pickProperties } from "./odata.ts";
import type { Call, StandIn } from "./stand-in.ts";

/** What `/me` returns without `$select`; `department`, for one, has to be asked for. */
const DEFAULT_PROPERTIES = [
  "businessPhones",
  "displayName",
  "givenName",
  "jobTitle",
  "mail",
  "mobilePhone",
  "officeLocation",
  "preferredLanguage",
  "surname",
  "userPrincipalName",
  "id",
];

/** `GET /v1.0/me[?$select=…]`: the person's profile; needs `User.Read`. */
export async function graphMe(standIn: StandIn, call: Call): Promise<Response> {
  const caller = await graphCaller(standIn, call);
  if (caller instanceof Response) {
    return caller;
  }
  if (!caller.scopes.some((scope) => scope.startsWith("User.Read"))) {
    return graphError(
      standIn,
      call,
      403,
      "Authorization_RequestDenied",
      "Insufficient privileges to complete the operation.",
    );
  }
  const select = call.url.searchParams.get("$select");
  const names = select === null ? DEFAULT_PROPERTIES : select.split(",").map((name) => name.trim());
  const picked = pickProperties(caller.account.profile, names);
  if ("unknown" in picked) {
    const message = `Could not find a property named '${picked.unknown}' on type 'microsoft.graph.user'.`;
    return graphError(standIn, call, 400, "BadRequest", message);
  }
  const type = select === null ? "users" : `users(${names.join(",")})`;
  return Response.json({
    "@odata.context": `${standIn.base}/v1.0/$metadata#${type}/$entity`,
    ...picked.properties,
  });
}
