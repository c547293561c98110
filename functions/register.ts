import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `POST /register`: a client registers itself. */
export const register = functionsHandler("register");

app.http("register", {
  route: "register",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: register,
});
