import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `POST /revoke`: a client gives back its tokens. */
export const revoke = functionsHandler("revoke");

app.http("revoke", {
  route: "revoke",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: revoke,
});
