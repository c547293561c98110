import type { App } from "../../shared/app.ts";

/** @returns The handler of a path, as the triggers in `functions/` have it. @throws where there is none */
export function handlerName(pathname: string): keyof App["handlers"] {
  const path = pathname.replace(/\/$/, "");
  if (path.startsWith("/.well-known/oauth-protected-resource")) return "protectedResourceMetadata";
  switch (path) {
    case "":
      return "home";
    case "/.well-known/oauth-authorization-server":
      return "authorizationServerMetadata";
    case "/.well-known/openid-configuration":
      return "openIdConfiguration";
    case "/.well-known/jwks.json":
      return "jwks";
    case "/account":
    case "/authorize":
    case "/callback":
    case "/consent":
    case "/health":
    case "/mcp":
    case "/message":
    case "/notifications":
    case "/publish":
    case "/register":
    case "/revoke":
    case "/sse":
    case "/token":
      return path.slice(1) as keyof App["handlers"];
    default:
      throw new Error(`no route for ${pathname}`);
  }
}
