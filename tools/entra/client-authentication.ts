import { timingSafeEqual } from "node:crypto";
import { errors } from "jose";
import type { JWTPayload } from "jose";
import { AadError } from "./aad-error.ts";
import { HOME_TENANT } from "./directory.ts";
import type { Application } from "./directory.ts";
import { findApplication } from "./service-principals.ts";
import { formOf } from "./stand-in.ts";
import type { Call, StandIn } from "./stand-in.ts";

const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** The audience of a managed identity's token that is to be exchanged (workload identity federation). */
export const TOKEN_EXCHANGE_AUDIENCE = "api://AzureADTokenExchange";

/**
 * Authenticates the application at the token endpoint: client secret in the body or as Basic (RFC 6749 §2.3.1),
 * or a managed identity's token as client assertion (RFC 7523 §2.2).
 *
 * @returns the registration
 * @throws AadError 90014, 700016, 7000218 (no credential), 7000215 (wrong secret), 700027 and 70021x (assertion)
 */
export async function authenticateClient(standIn: StandIn, call: Call): Promise<Application> {
  const form = formOf(call);
  const basic = basicCredentials(call.headers.get("authorization"));
  const clientId = basic?.clientId ?? form.get("client_id");
  if (!clientId) {
    throw new AadError(90014, { detail: "client_id" });
  }
  const application = findApplication(clientId);
  if (!application) {
    throw new AadError(700016, { app: clientId });
  }
  const assertion = form.get("client_assertion");
  if (assertion !== null) {
    if (form.get("client_assertion_type") !== JWT_BEARER) {
      throw new AadError(90014, { detail: "client_assertion_type" });
    }
    await checkAssertion(standIn, application, assertion);
    return application;
  }
  const secret = basic?.secret ?? form.get("client_secret");
  if (!secret) {
    throw new AadError(7000218);
  }
  if (!sameText(secret, application.secret)) {
    throw new AadError(7000215, { app: application.clientId });
  }
  return application;
}

function basicCredentials(header: string | null) {
  const encoded = /^basic (.+)$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) {
    return undefined;
  }
  const [clientId = "", secret = ""] = Buffer.from(encoded, "base64").toString().split(":");
  return { clientId: formDecode(clientId), secret: formDecode(secret) };
}

// RFC 6749 §2.3.1: both halves are form-encoded first.
function formDecode(text: string): string {
  return new URLSearchParams(`v=${text}`).get("v") ?? "";
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

async function checkAssertion(standIn: StandIn, application: Application, assertion: string) {
  let claims: JWTPayload;
  try {
    claims = await standIn.keys.verify("managedIdentity", assertion, {
      currentDate: standIn.now(),
      requiredClaims: ["exp", "sub", "aud", "iss"],
    });
  } catch (error) {
    throw new AadError(error instanceof errors.JWTExpired ? 700024 : 700027);
  }
  const issuer = `${standIn.base}/${HOME_TENANT.id}/v2.0`;
  if (claims.iss !== issuer) {
    throw new AadError(700211, { detail: String(claims.iss) });
  }
  if (claims.aud !== TOKEN_EXCHANGE_AUDIENCE) {
    throw new AadError(700212, { detail: String(claims.aud) });
  }
  if (claims.sub !== application.federatedSubject) {
    throw new AadError(700213, { detail: String(claims.sub) });
  }
}
