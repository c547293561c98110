import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `GET /callback`: the person comes back from Entra. */
export const callback = functionsHandler("callback");

app.http("callback", {
  route: "callback",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: callback,
});
