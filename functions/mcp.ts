import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `/mcp`: Streamable HTTP, in all its revisions. */
export const mcp = functionsHandler("mcp");

app.http("mcp", {
  route: "mcp",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: mcp,
});
