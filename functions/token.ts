import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `POST /token`: a client redeems a code or refreshes. */
export const token = functionsHandler("token");

app.http("token", {
  route: "token",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: token,
});
