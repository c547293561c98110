import { decodeJwt } from "jose";
import { OAuthError } from "../oauth-error.ts";
import { ASSERTION_TYPE } from "./client-assertion.ts";

/** Who a client says it is, and how it means to prove it. */
export type ClientCredentials =
  | { readonly kind: "none"; readonly clientId: string }
  | {
      readonly kind: "secret";
      readonly clientId: string;
      /** What was meant, in one reading or the other. */
      readonly secrets: readonly string[];
    }
  | { readonly kind: "assertion"; readonly clientId: string; readonly assertion: string };

/**
 * Reads the credentials of a request (RFC 6749 §2.3).
 *
 * @throws OAuthError `invalid_request` for more than one method, `invalid_client` for what cannot be read.
 */
export function clientCredentials(
  authorization: string | null,
  form: URLSearchParams,
): ClientCredentials {
  // RFC 6749 §3.2: a parameter without a value counts as absent.
  const id = form.get("client_id") || undefined;
  const secret = form.get("client_secret") || undefined;
  const assertion = form.get("client_assertion") || undefined;
  const methods = [authorization ?? undefined, secret, assertion];
  if (methods.filter((method) => method !== undefined).length > 1) {
    throw new OAuthError("invalid_request", "Authenticate in one way only.");
  }
  const credentials = given();
  if (id !== undefined && id !== credentials.clientId) {
    throw new OAuthError("invalid_request", "client_id is not that of the credentials.");
  }
  return credentials;

  function given(): ClientCredentials {
    if (authorization !== null) return basicCredentials(authorization);
    if (assertion !== undefined) return assertionCredentials(form, assertion);
    if (id === undefined) throw new OAuthError("invalid_client", "client_id is missing.");
    if (secret === undefined) return { kind: "none", clientId: id };
    return { kind: "secret", clientId: id, secrets: [secret] };
  }
}

/**
 * RFC 6749 §2.3.1: id and secret are form-urlencoded before they go into the header. Many clients, the MCP SDK
 * among them, leave that out; a secret counts in either reading.
 */
function basicCredentials(authorization: string): ClientCredentials {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)?.[1];
  const decoded = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 1) throw new OAuthError("invalid_client", "The Authorization header is not Basic.");
  const clientId = formDecoded(decoded.slice(0, colon));
  const secret = decoded.slice(colon + 1);
  if (secret === "") return { kind: "none", clientId };
  return { kind: "secret", clientId, secrets: [formDecoded(secret), secret] };
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** RFC 7521 §4.2: `client_id` is optional here, the assertion says it. It is believed only once it is verified. */
function assertionCredentials(form: URLSearchParams, assertion: string): ClientCredentials {
  if (form.get("client_assertion_type") !== ASSERTION_TYPE) {
    throw new OAuthError("invalid_client", `client_assertion_type must be ${ASSERTION_TYPE}.`);
  }
  const clientId = subjectOf(assertion);
  if (clientId === undefined) {
    throw new OAuthError("invalid_client", "client_assertion is not a JWT with a subject.");
  }
  return { kind: "assertion", clientId, assertion };
}

function subjectOf(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).sub;
  } catch {
    return undefined;
  }
}
