import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `GET /sse`: a client opens its stream. */
export const sse = functionsHandler("sse");

app.http("sse", {
  route: "sse",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: sse,
});
