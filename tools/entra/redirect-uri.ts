import type { Application } from "./directory.ts";

/**
 * Whether a redirect URI is registered: scheme, host and path exactly, the port ignored for loopback hosts, as
 * Entra does for `localhost`; a query or fragment never matches (facts: `[::1]` is not supported either).
 */
export function isRegisteredRedirectUri(application: Application, redirectUri: string): boolean {
  const asked = URL.parse(redirectUri);
  if (!asked || asked.search || asked.hash || asked.username || asked.password) {
    return false;
  }
  return application.redirectUris.some((registered) => {
    const known = new URL(registered);
    return (
      known.protocol === asked.protocol &&
      known.hostname === asked.hostname &&
      known.pathname === asked.pathname
    );
  });
}
