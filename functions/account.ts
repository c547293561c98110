import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `/account`: a person sees and ends the sessions of their apps. */
export const account = functionsHandler("account");

app.http("account", {
  route: "account",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: account,
});
