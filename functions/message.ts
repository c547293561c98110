import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `POST /message`: a message of a client for its stream. */
export const message = functionsHandler("message");

app.http("message", {
  route: "message",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: message,
});
