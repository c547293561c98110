import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `POST /consent`: the person approves or denies. */
export const consent = functionsHandler("consent");

app.http("consent", {
  route: "consent",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: consent,
});
