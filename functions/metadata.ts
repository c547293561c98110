import { app } from "@azure/functions";
import { everyMethod, functionsHandler } from "../shared/http/functions-adapter.ts";

/** The documents by which clients find their way in (RFC 9728, RFC 8414, OpenID Connect discovery). */
app.http("metadata-protected-resource", {
  // Without a path: the server as a whole. With one: that endpoint.
  route: ".well-known/oauth-protected-resource/{*resource}",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: functionsHandler("protectedResourceMetadata"),
});

app.http("metadata-authorization-server", {
  route: ".well-known/oauth-authorization-server",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: functionsHandler("authorizationServerMetadata"),
});

app.http("metadata-openid-configuration", {
  route: ".well-known/openid-configuration",
  methods: everyMethod,
  authLevel: "anonymous",
  handler: functionsHandler("openIdConfiguration"),
});
