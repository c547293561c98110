import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { APPLICATION, GUEST_TENANT, HOME_TENANT } from "../../../tools/entra/directory.ts";
import {
  findServicePrincipal,
  FOREIGN_PUBLISHER,
  NO_ROLE,
  PUBLISHER,
} from "../../../tools/entra/service-principals.ts";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import { errorOf, graph, postToken, signIn } from "./support.ts";

let entra: RunningEntra;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterEach(() => entra.reset());
afterAll(() => entra.stop());

const AnswerSchema = z.strictObject({
  token_type: z.literal("Bearer"),
  expires_in: z.literal(3600),
  ext_expires_in: z.literal(3600),
  access_token: z.string(),
});

const SCOPE = `${APPLICATION.clientId}/.default`;

/** Asks for a token as one of the programs. */
function ask(
  client: { clientId: string; secret: string },
  change: Record<string, string | undefined> = {},
  tenant: string = HOME_TENANT.id,
) {
  return postToken(
    entra,
    {
      grant_type: "client_credentials",
      client_id: client.clientId,
      client_secret: client.secret,
      scope: SCOPE,
      ...change,
    },
    { tenant },
  );
}

/** The claims of the token in an answer, checked as a resource would: by the tenant's keys and issuer. */
async function verified(response: Response, tenant: string = HOME_TENANT.id) {
  const { access_token: token } = AnswerSchema.parse(await response.json());
  const jwks = createRemoteJWKSet(new URL(`${entra.url}/${tenant}/discovery/v2.0/keys`));
  const { payload } = await jwtVerify(token, jwks, {
    issuer: `${entra.url}/${tenant}/v2.0`,
    audience: APPLICATION.clientId,
    algorithms: ["RS256"],
  });
  return payload;
}

describe("client credentials", () => {
  it("give a program a v2 token of its own with the roles that it was given", async () => {
    const response = await ask(PUBLISHER);
    expect(response.headers.get("cache-control")).toContain("no-store");
    const oid = findServicePrincipal(PUBLISHER.clientId, HOME_TENANT)?.id;
    const claims = await verified(response);
    expect(claims).toMatchObject({
      aud: APPLICATION.clientId,
      iss: `${entra.url}/${HOME_TENANT.id}/v2.0`,
      azp: PUBLISHER.clientId,
      azpacr: "1",
      idtyp: "app",
      oid,
      sub: oid,
      roles: ["Mcp.Publish"],
      tid: HOME_TENANT.id,
      ver: "2.0",
    });
    expect(claims).not.toHaveProperty("scp");
  });

  it("give a token without roles where none is assigned, our own application included", async () => {
    expect(await verified(await ask(NO_ROLE))).not.toHaveProperty("roles");
    expect(await verified(await ask(APPLICATION))).not.toHaveProperty("roles");
  });

  it("give the other tenant's publisher the same role under its own issuer", async () => {
    const claims = await verified(
      await ask(FOREIGN_PUBLISHER, {}, GUEST_TENANT.id),
      GUEST_TENANT.id,
    );
    expect(claims).toMatchObject({
      aud: APPLICATION.clientId,
      roles: ["Mcp.Publish"],
      tid: GUEST_TENANT.id,
    });
  });

  it("take the client id in any case, and the tenant by its domain", async () => {
    const response = await ask(
      PUBLISHER,
      { scope: `${APPLICATION.clientId.toUpperCase()}/.default` },
      HOME_TENANT.domain,
    );
    expect((await verified(response))["azp"]).toBe(PUBLISHER.clientId);
  });

  it.each([
    ["no scope", { scope: undefined }, 90014],
    ["two scopes", { scope: `${SCOPE} openid` }, 70011],
    ["a scope that is no /.default", { scope: `${APPLICATION.clientId}/Mcp.Publish` }, 1002012],
    ["an api:// scope", { scope: `api://${APPLICATION.clientId}/.default` }, 500011],
    ["Graph", { scope: "https://graph.microsoft.com/.default" }, 500011],
    ["another client's id", { scope: `${PUBLISHER.clientId}/.default` }, 500011],
    ["a resource parameter", { resource: "http://localhost:7071" }, 9010010],
    ["a wrong secret", { client_secret: "wrong" }, 7000215],
    ["no credential", { client_secret: undefined }, 7000218],
    ["an unknown client", { client_id: "nobody" }, 700016],
  ])("are refused with %s", async (_what, change, code) => {
    expect((await errorOf(await ask(PUBLISHER, change))).error_codes).toEqual([code]);
  });

  it.each([
    ["a tenant that it is not in", GUEST_TENANT.id, 7000229],
    ["organizations", "organizations", 50059],
    ["common", "common", 50059],
    ["an unknown tenant", "nowhere.example", 90002],
  ])("are refused through %s", async (_what, tenant, code) => {
    expect((await errorOf(await ask(PUBLISHER, {}, tenant))).error_codes).toEqual([code]);
  });

  it("fail as the switches of the token endpoint say", async () => {
    entra.set({ tokenFault: 7000222 });
    expect((await errorOf(await ask(PUBLISHER))).error_codes).toEqual([7000222]);
    entra.set({ tokenFault: null, throttled: ["token"] });
    expect((await ask(PUBLISHER)).status).toBe(429);
  });

  it("are counted, and what they give is remembered as nobody's", async () => {
    const { access_token: token } = AnswerSchema.parse(await (await ask(PUBLISHER)).json());
    expect(entra.requests()).toEqual({ "token.client_credentials": 1 });
    expect(entra.issued().at(-1)).toEqual({ kind: "access_token", account: null, value: token });
  });
});

describe("a program's token", () => {
  it("opens nothing at Graph and proves no client", async () => {
    const { access_token: token } = AnswerSchema.parse(await (await ask(PUBLISHER)).json());
    expect((await graph(entra, "/me", token)).status).toBe(401);
    const { refresh_token: refreshToken } = await signIn(entra);
    const refused = await postToken(entra, {
      grant_type: "refresh_token",
      refresh_token: refreshToken,
      client_secret: undefined,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: token,
    });
    expect((await errorOf(refused)).error_codes).toEqual([700027]);
  });
});
