import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `GET /`. An empty route would mean the function's name. */
export const home = functionsHandler("home");

app.http("home", {
  route: "{ignored:maxlength(0)?}",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: home,
});
