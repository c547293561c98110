import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `GET /health` */
export const health = functionsHandler("health");

app.http("health", {
  route: "health",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: health,
});
