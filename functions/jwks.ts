import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `GET /.well-known/jwks.json` */
export const jwks = functionsHandler("jwks");

app.http("jwks", {
  route: ".well-known/jwks.json",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: jwks,
});
