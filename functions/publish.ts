import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `POST /publish`: another system of the tenant sets the values of feeds. */
export const publish = functionsHandler("publish");

app.http("publish", {
  route: "publish",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: publish,
});
