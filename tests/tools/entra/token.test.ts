import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ACCOUNTS,
  APPLICATION,
  GUEST_TENANT,
  HOME_TENANT,
} from "../../../tools/entra/directory.ts";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import {
  claimsOf,
  errorOf,
  obtainCode,
  postToken,
  refresh,
  signIn,
  TokensSchema,
} from "./support.ts";

let entra: RunningEntra;
let ahead = 0;
beforeAll(async () => {
  entra = await startEntra({ port: 0, now: () => new Date(Date.now() + ahead) });
});
afterAll(() => entra.stop());

async function inTheFuture<T>(seconds: number, act: () => Promise<T>): Promise<T> {
  ahead = seconds * 1000;
  try {
    return await act();
  } finally {
    ahead = 0;
  }
}

const jwks = () =>
  createRemoteJWKSet(new URL(`${entra.url}/${HOME_TENANT.id}/discovery/v2.0/keys`));

describe("the authorization code", () => {
  it("gives an ID token, a Graph token and a refresh token", async () => {
    const tokens = await signIn(entra, "alice");
    const idToken = await jwtVerify(tokens.id_token, jwks(), {
      issuer: `${entra.url}/${HOME_TENANT.id}/v2.0`,
      audience: APPLICATION.clientId,
    });
    expect(idToken.payload).toMatchObject({
      ver: "2.0",
      tid: HOME_TENANT.id,
      oid: ACCOUNTS.alice.profile.id,
      name: "Alice Example",
      preferred_username: "alice@contoso.example",
      email: "alice@contoso.example",
      nonce: "nonce-1",
    });
    expect(idToken.payload).not.toHaveProperty("roles");
    const graphToken = await jwtVerify(tokens.access_token, jwks(), {
      audience: "00000003-0000-0000-c000-000000000000",
    });
    expect(graphToken.payload["scp"]).toBe("Calendars.Read User.Read openid profile");
    expect(graphToken.payload.iss).not.toBe(idToken.payload.iss);
    expect(tokens.expires_in).toBe(4500);
    expect(tokens.scope).toBe("User.Read Calendars.Read openid profile");
    expect(tokens.client_info).toBeUndefined();
  });

  it("names the app role of admin, and the tenant of guest", async () => {
    expect(claimsOf((await signIn(entra, "admin")).id_token)["roles"]).toEqual(["Mcp.Admin"]);
    const code = await obtainCode(entra, "guest", {}, "organizations");
    const response = await postToken(entra, code, { tenant: "organizations" });
    const guest = claimsOf(TokensSchema.parse(await response.json()).id_token);
    expect(guest["tid"]).toBe(GUEST_TENANT.id);
    expect(guest.iss).toBe(`${entra.url}/${GUEST_TENANT.id}/v2.0`);
  });

  it("gives each application another sub for the same person", async () => {
    const tokens = await signIn(entra);
    expect(claimsOf(tokens.id_token).sub).not.toBe(claimsOf(tokens.access_token).sub);
  });

  it("answers client_info when it was asked for at either endpoint", async () => {
    expect((await signIn(entra, "alice", { client_info: "1" })).client_info).toBeTruthy();
    const code = await obtainCode(entra);
    const response = await postToken(entra, { ...code, client_info: "1" });
    expect(TokensSchema.parse(await response.json()).client_info).toBeTruthy();
  });

  it("works once (AADSTS54005)", async () => {
    const code = await obtainCode(entra);
    expect((await postToken(entra, code)).status).toBe(200);
    const second = await errorOf(await postToken(entra, code));
    expect(second).toMatchObject({ status: 400, error: "invalid_grant", error_codes: [54005] });
  });

  it("works once when it is redeemed twice at the same moment", async () => {
    const code = await obtainCode(entra);
    const both = await Promise.all([postToken(entra, code), postToken(entra, code)]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400]);
  });

  it("expires after ten minutes (AADSTS70008)", async () => {
    const code = await obtainCode(entra);
    const late = await inTheFuture(601, () => postToken(entra, code));
    expect(await errorOf(late)).toMatchObject({ error: "invalid_grant", error_codes: [70008] });
  });

  it.each([
    ["another verifier", { code_verifier: "x".repeat(43) }, 501481],
    ["no verifier", { code_verifier: undefined }, 50148],
    ["another redirect URI", { redirect_uri: "http://localhost:7072/callback" }, 500112],
    ["an unknown code", { code: "1.unknown" }, 9002313],
    ["no code", { code: undefined }, 90014],
    ["a resource parameter", { resource: "http://localhost:7071" }, 9010010],
  ])("is refused with %s", async (_what, change, code) => {
    const good = await obtainCode(entra);
    const refused = await errorOf(await postToken(entra, { ...good, ...change }));
    expect(refused.error_codes).toEqual([code]);
  });

  it("is refused through another tenant (AADSTS700005)", async () => {
    const code = await obtainCode(entra);
    const response = await postToken(entra, code, { tenant: GUEST_TENANT.id });
    expect((await errorOf(response)).error_codes).toEqual([700005]);
  });

  it("gives no refresh token without offline_access and no ID token without openid", async () => {
    const code = await obtainCode(entra, "alice", { scope: "User.Read" });
    const tokens: unknown = await (await postToken(entra, code)).json();
    expect(tokens).not.toHaveProperty("refresh_token");
    expect(tokens).not.toHaveProperty("id_token");
  });
});

describe("the client", () => {
  it("may send its secret as Basic", async () => {
    const basic = Buffer.from(`${APPLICATION.clientId}:${APPLICATION.secret}`).toString("base64");
    const code = await obtainCode(entra);
    const response = await postToken(
      entra,
      { ...code, client_id: undefined, client_secret: undefined },
      { headers: { authorization: `Basic ${basic}` } },
    );
    expect(response.status).toBe(200);
  });

  it.each([
    ["a wrong secret", { client_secret: "wrong" }, 7000215],
    ["no credential", { client_secret: undefined }, 7000218],
    ["a forged assertion", assertion("e30.e30.e30"), 700027],
  ])("is refused with %s: 401 invalid_client", async (_what, change, code) => {
    const good = await obtainCode(entra);
    const refused = await errorOf(await postToken(entra, { ...good, ...change }));
    expect(refused).toMatchObject({ status: 401, error: "invalid_client", error_codes: [code] });
  });

  it("is refused when it is unknown, and so is an unknown grant type", async () => {
    const unknown = await postToken(entra, { grant_type: "refresh_token", client_id: "nobody" });
    expect(await errorOf(unknown)).toMatchObject({
      error: "unauthorized_client",
      error_codes: [700016],
    });
    for (const type of ["password", "constructor"]) {
      const refused = await postToken(entra, { grant_type: type });
      expect(await errorOf(refused)).toMatchObject({ error: "unsupported_grant_type" });
    }
  });

  it("cannot use a person's token as its assertion", async () => {
    const { id_token: idToken } = await signIn(entra);
    const refused = await postToken(entra, {
      grant_type: "refresh_token",
      ...assertion(idToken),
    });
    expect((await errorOf(refused)).error_codes).toEqual([700027]);
  });
});

function assertion(value: string) {
  return {
    client_secret: undefined,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: value,
  };
}

describe("the refresh token", () => {
  it("is replaced at use, and the old one stays valid", async () => {
    const first = await signIn(entra);
    const second = TokensSchema.parse(await (await refresh(entra, first.refresh_token)).json());
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect((await refresh(entra, first.refresh_token)).status).toBe(200);
    expect((await refresh(entra, second.refresh_token)).status).toBe(200);
    expect(claimsOf(second.id_token)).not.toHaveProperty("nonce");
  });

  it("gives a token for fewer scopes when fewer are asked for", async () => {
    const { refresh_token: token } = await signIn(entra);
    const response = await refresh(
      entra,
      token,
      "https://graph.microsoft.com/User.Read openid offline_access",
    );
    const tokens = TokensSchema.parse(await response.json());
    expect(claimsOf(tokens.access_token)["scp"]).toBe("User.Read openid");
    expect(tokens.scope).toBe("https://graph.microsoft.com/User.Read openid");
  });

  it("expires 90 days after it was issued (AADSTS700082)", async () => {
    const { refresh_token: token } = await signIn(entra);
    const late = await inTheFuture(90 * 24 * 3600, () => refresh(entra, token));
    expect(await errorOf(late)).toMatchObject({ error: "invalid_grant", error_codes: [700082] });
  });

  it("is refused when it is not ours", async () => {
    expect((await errorOf(await refresh(entra, "1.not-ours"))).error_codes).toEqual([9002313]);
  });

  it("has the length that real ones have", async () => {
    const { length } = (await signIn(entra)).refresh_token;
    expect(length).toBeGreaterThan(1000);
    expect(length).toBeLessThan(2000);
  });
});

it("words errors as Entra does, with the caller's correlation id", async () => {
  const response = await postToken(
    entra,
    { grant_type: "refresh_token", refresh_token: "x" },
    { headers: { "client-request-id": "4b1d0000-0000-4000-8000-000000000000" } },
  );
  const error = await errorOf(response);
  expect(error.correlation_id).toBe("4b1d0000-0000-4000-8000-000000000000");
  expect(error.timestamp).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/);
  expect(error.error_description).toBe(
    `AADSTS9002313: Invalid request. Request is malformed or invalid. Trace ID: ${error.trace_id} Correlation ID: ${error.correlation_id} Timestamp: ${error.timestamp}`,
  );
});
