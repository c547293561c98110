import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** `POST /notifications`: Microsoft Graph tells of changes in what people have subscribed to. */
export const notifications = functionsHandler("notifications");

app.http("notifications", {
  route: "notifications",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: notifications,
});
