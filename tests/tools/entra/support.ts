import { createHash, randomBytes } from "node:crypto";
import { decodeJwt } from "jose";
import { z } from "zod";
import { APPLICATION, HOME_TENANT } from "../../../tools/entra/directory.ts";
import type { AccountName } from "../../../tools/entra/directory.ts";
import { signInAs } from "../../../tools/entra/sign-in-as.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";

export const REDIRECT_URI = "http://localhost:7071/callback";
export const SCOPE = "openid profile offline_access User.Read Calendars.Read";

export const TokensSchema = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  id_token: z.string(),
  scope: z.string(),
  expires_in: z.number(),
  client_info: z.string().optional(),
});

export const ErrorSchema = z.object({
  error: z.string(),
  error_description: z.string(),
  error_codes: z.array(z.number()),
  timestamp: z.string(),
  trace_id: z.string(),
  correlation_id: z.string(),
  suberror: z.string().optional(),
  claims: z.string().optional(),
});

/** A PKCE pair (RFC 7636 §4). */
export function pkce() {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** An authorization URL of the stand-in; a value of undefined leaves a parameter out. */
export function authorizationUrl(
  entra: RunningEntra,
  overrides: Record<string, string | undefined> = {},
  tenant: string = HOME_TENANT.id,
): URL {
  const url = new URL(`/${tenant}/oauth2/v2.0/authorize`, entra.url);
  const parameters: Record<string, string | undefined> = {
    client_id: APPLICATION.clientId,
    response_type: "code",
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    state: "state-1",
    nonce: "nonce-1",
    ...overrides,
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) {
      url.searchParams.set(name, value);
    }
  }
  return url;
}

/** Posts to the token endpoint with the client's secret; a value of undefined leaves a parameter out. */
export function postToken(
  entra: RunningEntra,
  parameters: Record<string, string | undefined>,
  init: { tenant?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  const body = new URLSearchParams();
  const all = {
    client_id: APPLICATION.clientId,
    client_secret: APPLICATION.secret,
    ...parameters,
  };
  for (const [name, value] of Object.entries(all)) {
    if (value !== undefined) {
      body.set(name, value);
    }
  }
  return fetch(`${entra.url}/${init.tenant ?? HOME_TENANT.id}/oauth2/v2.0/token`, {
    method: "POST",
    body,
    headers: init.headers ?? {},
  });
}

/** Signs somebody in and returns what the code redemption needs. */
export async function obtainCode(
  entra: RunningEntra,
  account: AccountName = "alice",
  overrides: Record<string, string | undefined> = {},
  tenant?: string,
) {
  const { verifier, challenge } = pkce();
  const url = authorizationUrl(
    entra,
    { code_challenge: challenge, code_challenge_method: "S256", ...overrides },
    tenant,
  );
  const code = (await signInAs(url, account)).searchParams.get("code") ?? "";
  return {
    grant_type: "authorization_code",
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
  };
}

/** Signs somebody in all the way to tokens. */
export async function signIn(
  entra: RunningEntra,
  account: AccountName = "alice",
  overrides: Record<string, string | undefined> = {},
) {
  const response = await postToken(entra, await obtainCode(entra, account, overrides));
  return TokensSchema.parse(await response.json());
}

/** Refreshes; the default asks for what was granted. */
export function refresh(entra: RunningEntra, refreshToken: string, scope?: string) {
  return postToken(entra, { grant_type: "refresh_token", refresh_token: refreshToken, scope });
}

/** Reads an error answer of the token endpoint, with its HTTP status. */
export async function errorOf(response: Response) {
  return { status: response.status, ...ErrorSchema.parse(await response.json()) };
}

/** Asks Graph with a token. */
export function graph(
  entra: RunningEntra,
  path: string,
  accessToken: string,
  headers: Record<string, string> = {},
) {
  return fetch(`${entra.url}/v1.0${path}`, {
    headers: { authorization: `Bearer ${accessToken}`, ...headers },
  });
}

/** A token's claims, unverified. */
export function claimsOf(token: string) {
  return decodeJwt(token);
}

/** Sends JSON, where there is a body, with a person's token, where there is one. */
export function sendJson(url: string, method: string, body?: unknown, token?: string) {
  return fetch(url, {
    method,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}
