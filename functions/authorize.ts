import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `GET /authorize`: a client asks for access. */
export const authorize = functionsHandler("authorize");

app.http("authorize", {
  route: "authorize",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: authorize,
});
