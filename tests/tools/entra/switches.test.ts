import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { signInAs } from "../../../tools/entra/sign-in-as.ts";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import {
  authorizationUrl,
  claimsOf,
  errorOf,
  graph,
  obtainCode,
  postToken,
  refresh,
  signIn,
  TokensSchema,
} from "./support.ts";

let entra: RunningEntra;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterEach(() => entra.reset());
afterAll(() => entra.stop());

const put = (body: unknown) =>
  fetch(`${entra.url}/admin/switches`, { method: "PUT", body: JSON.stringify(body) });
const get = async (path: string): Promise<unknown> => (await fetch(entra.url + path)).json();

const CP1 = JSON.stringify({ access_token: { xms_cc: { values: ["cp1"] } } });

describe("the admin endpoints", () => {
  it("show every switch, merge what is put, and restore all of it", async () => {
    const off = await get("/admin/switches");
    expect(off).toEqual({
      consentRequired: [],
      mfaRequired: [],
      refreshTokensExpired: [],
      refreshTokensRevoked: [],
      userDisabled: [],
      policyBlocked: [],
      claimsChallenge: [],
      tokenFault: null,
      throttled: [],
      serverError: [],
      retryAfterSeconds: 5,
      delayMs: 0,
      accessTokenSeconds: 4500,
      down: false,
      notificationDelayMs: 0,
      notificationsLost: false,
      notificationsRepeated: false,
      notificationsReordered: false,
      subscribeFault: null,
      renewFault: null,
    });
    expect((await put({ mfaRequired: ["alice"] })).status).toBe(200);
    await put({ throttled: ["graph"] });
    expect(await get("/admin/switches")).toMatchObject({
      mfaRequired: ["alice"],
      throttled: ["graph"],
    });
    expect((await fetch(`${entra.url}/admin/reset`, { method: "POST" })).status).toBe(204);
    expect(await get("/admin/switches")).toEqual(off);
  });

  it.each([
    ["an unknown switch", { rain: true }],
    ["an unknown person", { mfaRequired: ["mallory"] }],
    ["an unknown AADSTS number", { tokenFault: 1 }],
    ["a negative delay", { delayMs: -1 }],
    ["no object", []],
  ])("refuse %s and change nothing", async (_what, body) => {
    const refused = await put(body);
    expect(refused.status).toBe(400);
    expect(entra.requests()).toEqual({});
    expect(await get("/admin/switches")).toMatchObject({ mfaRequired: [], delayMs: 0 });
  });

  it("count requests by endpoint and grant type, failing ones too", async () => {
    const { refresh_token: token, access_token: graphToken } = await signIn(entra);
    entra.set({ throttled: ["token"] });
    await refresh(entra, token);
    await graph(entra, "/me", graphToken);
    expect(await get("/admin/requests")).toEqual({
      authorize: 1,
      "graph.me": 1,
      signIn: 1,
      "token.authorization_code": 1,
      "token.refresh_token": 1,
    });
  });

  it("list every code and token issued, across resets", async () => {
    const code = await obtainCode(entra, "bob");
    const tokens = TokensSchema.parse(await (await postToken(entra, code)).json());
    entra.reset();
    const issued = z.array(z.object({ kind: z.string(), value: z.string() }));
    const values = issued.parse(await get("/admin/issued")).map(({ value }) => value);
    expect(values).toEqual(
      expect.arrayContaining([
        code.code,
        tokens.access_token,
        tokens.refresh_token,
        tokens.id_token,
      ]),
    );
  });

  it("are closed to pages of other sites", async () => {
    const answers = await Promise.all([
      fetch(`${entra.url}/admin/reset`, {
        method: "POST",
        headers: { origin: "https://evil.example" },
      }),
      fetch(`${entra.url}/admin/issued`, { headers: { "sec-fetch-site": "cross-site" } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
  });
});

describe("consentRequired", () => {
  it("is invalid_grant with consent_required until the person accepts the consent page", async () => {
    const before = await signIn(entra);
    entra.set({ consentRequired: ["alice"] });
    expect(await errorOf(await refresh(entra, before.refresh_token))).toMatchObject({
      error: "invalid_grant",
      suberror: "consent_required",
      error_codes: [65001],
    });
    const after = await signIn(entra, "alice", { scope: "openid offline_access User.Read" });
    expect((await refresh(entra, after.refresh_token)).status).toBe(200);
    expect((await refresh(entra, before.refresh_token, "User.Read")).status).toBe(200);
    const more = await refresh(entra, before.refresh_token, "User.Read Calendars.Read");
    expect((await errorOf(more)).error_codes).toEqual([65001]);
  });

  it("asks only once, and only the person it names", async () => {
    entra.set({ consentRequired: ["alice"] });
    const page = async (account: string) => {
      const picker = await (await fetch(authorizationUrl(entra))).text();
      const action = /action="([^"]+)"/.exec(picker)?.[1] ?? "";
      return fetch(new URL(action, entra.url), {
        method: "POST",
        body: `account=${account}`,
        redirect: "manual",
      });
    };
    expect(await (await page("alice")).text()).toContain("Permissions requested");
    expect((await page("bob")).status).toBe(302);
    await signIn(entra);
    expect((await page("alice")).status).toBe(302);
  });
});

describe("consentRequired, for more permissions", () => {
  const PROFILE = "Sign you in and read your profile";
  const CALENDAR = "Read your calendars";

  it("asks for what is new; for everything where the application wants it so (prompt=consent)", async () => {
    entra.set({ consentRequired: ["alice"] });
    await signIn(entra, "alice", { scope: "openid offline_access User.Read" });
    const page = async (changes: Record<string, string>) => {
      const picker = await (await fetch(authorizationUrl(entra, changes))).text();
      const action = /action="([^"]+)"/.exec(picker)?.[1] ?? "";
      const body = "account=alice";
      return (await fetch(new URL(action, entra.url), { method: "POST", body })).text();
    };
    const scope = "openid User.Read Calendars.Read";
    const more = await page({ scope });
    expect([more.includes(PROFILE), more.includes(CALENDAR)]).toEqual([false, true]);
    const all = await page({ scope, prompt: "consent" });
    expect([all.includes(PROFILE), all.includes(CALENDAR)]).toEqual([true, true]);
  });
});

describe("mfaRequired", () => {
  it("is interaction_required for refreshes and codes of earlier sign-ins; signing in again helps", async () => {
    const before = await signIn(entra);
    const code = await obtainCode(entra);
    entra.set({ mfaRequired: ["alice"] });
    const expected = {
      status: 400,
      error: "interaction_required",
      suberror: "basic_action",
      error_codes: [50076],
    };
    expect(await errorOf(await refresh(entra, before.refresh_token))).toMatchObject(expected);
    expect(await errorOf(await postToken(entra, code))).toMatchObject(expected);
    const after = await signIn(entra);
    expect((await refresh(entra, after.refresh_token)).status).toBe(200);
    expect((await refresh(entra, before.refresh_token)).status).toBe(400);
  });
});

describe.each([
  ["refreshTokensExpired", 700082],
  ["refreshTokensRevoked", 50173],
] as const)("%s", (name, code) => {
  it("refuses refresh tokens of earlier sign-ins, of the people it names", async () => {
    const [alice, bob] = [await signIn(entra, "alice"), await signIn(entra, "bob")];
    entra.set({ [name]: ["alice"] });
    expect(await errorOf(await refresh(entra, alice.refresh_token))).toMatchObject({
      error: "invalid_grant",
      error_codes: [code],
    });
    expect((await refresh(entra, bob.refresh_token)).status).toBe(200);
    const again = await signIn(entra, "alice");
    expect((await refresh(entra, again.refresh_token)).status).toBe(200);
    entra.set({ [name]: ["alice"] });
    expect((await refresh(entra, again.refresh_token)).status).toBe(400);
  });
});

describe("userDisabled", () => {
  it("ends refreshes and codes, and the picker says so", async () => {
    const { refresh_token: token } = await signIn(entra);
    const code = await obtainCode(entra);
    entra.set({ userDisabled: ["alice"] });
    expect((await errorOf(await refresh(entra, token))).error_codes).toEqual([50057]);
    expect((await errorOf(await postToken(entra, code))).error_codes).toEqual([50057]);
    await expect(signInAs(authorizationUrl(entra), "alice")).rejects.toThrow("AADSTS50057");
    expect((await signInAs(authorizationUrl(entra), "bob")).searchParams.has("code")).toBe(true);
  });
});

describe("policyBlocked", () => {
  it("lets the sign-in pass and gives no token", async () => {
    const { refresh_token: token } = await signIn(entra);
    entra.set({ policyBlocked: ["alice"] });
    const expected = { error: "invalid_grant", suberror: "message_only", error_codes: [53003] };
    expect(await errorOf(await refresh(entra, token))).toMatchObject(expected);
    expect(await errorOf(await postToken(entra, await obtainCode(entra)))).toMatchObject(expected);
  });
});

const capable = async (claims?: string) => {
  const code = await obtainCode(entra, "alice", { claims });
  const response = await postToken(entra, { ...code, claims: CP1 });
  return TokensSchema.parse(await response.json());
};

describe("claimsChallenge", () => {
  it("challenges a capable client until a sign-in carried the claims", async () => {
    const before = await capable(CP1);
    expect((await graph(entra, "/me", before.access_token)).status).toBe(200);
    entra.set({ claimsChallenge: ["alice"] });
    const challenged = await graph(entra, "/me", before.access_token);
    expect(challenged.status).toBe(401);
    const header = challenged.headers.get("www-authenticate") ?? "";
    expect(header).toContain('error="insufficient_claims"');
    const encoded = /claims="([^"]+)"/.exec(header)?.[1] ?? "";
    const claims = Buffer.from(encoded, "base64").toString();
    expect(JSON.parse(claims)).toHaveProperty("access_token.nbf.essential", true);

    const silent = await postToken(entra, {
      grant_type: "refresh_token",
      refresh_token: before.refresh_token,
      claims,
    });
    expect((await errorOf(silent)).error).toBe("interaction_required");
    const unchanged = await capable(CP1);
    expect((await graph(entra, "/me", unchanged.access_token)).status).toBe(401);

    const after = await capable(claims);
    expect((await graph(entra, "/me", after.access_token)).status).toBe(200);
    const renewed = await postToken(entra, {
      grant_type: "refresh_token",
      refresh_token: after.refresh_token,
      claims: CP1,
    });
    const { access_token: token } = TokensSchema.parse(await renewed.json());
    expect((await graph(entra, "/me", token)).status).toBe(200);
  });

  it("leaves a client alone that did not declare cp1", async () => {
    const { access_token: token } = await signIn(entra);
    entra.set({ claimsChallenge: ["alice"] });
    expect((await graph(entra, "/me", token)).status).toBe(200);
  });
});

describe("tokenFault", () => {
  it.each([
    [7000222, 401, "invalid_client"],
    [54005, 400, "invalid_grant"],
    [50033, 503, "temporarily_unavailable"],
    [90033, 503, "temporarily_unavailable"],
    [50078, 400, "invalid_grant"],
  ] as const)("%i is %i %s, for refreshes and codes", async (code, status, error) => {
    const { refresh_token: token } = await signIn(entra);
    const grant = await obtainCode(entra);
    entra.set({ tokenFault: code, retryAfterSeconds: 7 });
    const refused = await refresh(entra, token);
    expect(refused.headers.get("retry-after")).toBe(status === 503 ? "7" : null);
    expect(await errorOf(refused)).toMatchObject({ status, error, error_codes: [code] });
    expect((await errorOf(await postToken(entra, grant))).error_codes).toEqual([code]);
    entra.set({ tokenFault: null });
    expect((await postToken(entra, grant)).status).toBe(200);
  });
});

describe("throttled", () => {
  it("is 429 with Retry-After at the endpoint that it names", async () => {
    const tokens = await signIn(entra);
    entra.set({ throttled: ["token"], retryAfterSeconds: 3 });
    const limited = await refresh(entra, tokens.refresh_token);
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "3"]);
    expect((await graph(entra, "/me", tokens.access_token)).status).toBe(200);
    entra.set({ throttled: ["graph"] });
    const graphLimited = await graph(entra, "/me", tokens.access_token);
    expect([graphLimited.status, graphLimited.headers.get("retry-after")]).toEqual([429, "3"]);
    expect(await graphLimited.json()).toHaveProperty("error.code", "TooManyRequests");
    expect((await refresh(entra, tokens.refresh_token)).status).toBe(200);
  });
});

describe("serverError", () => {
  it("is 500: a page at the token endpoint, JSON at Graph", async () => {
    const tokens = await signIn(entra);
    entra.set({ serverError: ["token", "graph"] });
    const failed = await refresh(entra, tokens.refresh_token);
    expect(failed.status).toBe(500);
    expect(failed.headers.get("content-type")).toContain("text/html");
    const graphFailed = await graph(entra, "/me", tokens.access_token);
    expect(graphFailed.status).toBe(500);
    expect(await graphFailed.json()).toHaveProperty("error.code", "InternalServerError");
  });
});

describe("delayMs", () => {
  it("makes everything but the admin endpoints slow", async () => {
    const { access_token: token } = await signIn(entra);
    entra.set({ delayMs: 400 });
    const start = performance.now();
    await get("/admin/switches");
    const admin = performance.now() - start;
    await graph(entra, "/me", token);
    expect(admin).toBeLessThan(400);
    expect(performance.now() - start - admin).toBeGreaterThanOrEqual(390);
  });
});

describe("accessTokenSeconds", () => {
  it("sets how long new Graph tokens live", async () => {
    entra.set({ accessTokenSeconds: 60 });
    const tokens = await signIn(entra);
    expect(tokens.expires_in).toBe(60);
    const { exp = 0 } = claimsOf(tokens.access_token);
    expect(exp - Date.now() / 1000).toBeLessThanOrEqual(60);
  });
});

describe("down", () => {
  it("cuts every connection but the admin's, and comes back", async () => {
    const { access_token: token, refresh_token: refreshToken } = await signIn(entra);
    entra.set({ down: true });
    await expect(graph(entra, "/me", token)).rejects.toThrow("fetch failed");
    await expect(refresh(entra, refreshToken)).rejects.toThrow("fetch failed");
    await expect(fetch(authorizationUrl(entra))).rejects.toThrow("fetch failed");
    await put({ down: false });
    expect((await graph(entra, "/me", token)).status).toBe(200);
    expect((await refresh(entra, refreshToken)).status).toBe(200);
  });
});
