import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { HOME_TENANT } from "../../../tools/entra/directory.ts";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";

let entra: RunningEntra;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());

const discover = async (tenant: string): Promise<unknown> =>
  (await fetch(`${entra.url}/${tenant}/v2.0/.well-known/openid-configuration`)).json();

it("describes a tenant's endpoints under the address it was started at", async () => {
  const root = `${entra.url}/${HOME_TENANT.id}`;
  expect(await discover(HOME_TENANT.id)).toMatchObject({
    issuer: `${root}/v2.0`,
    authorization_endpoint: `${root}/oauth2/v2.0/authorize`,
    token_endpoint: `${root}/oauth2/v2.0/token`,
    jwks_uri: `${root}/discovery/v2.0/keys`,
    end_session_endpoint: `${root}/oauth2/v2.0/logout`,
  });
  expect(await discover(HOME_TENANT.domain)).toMatchObject({ issuer: `${root}/v2.0` });
});

it.each(["organizations", "common"])("gives %s the issuer template of Entra", async (tenant) => {
  expect(await discover(tenant)).toMatchObject({
    issuer: `${entra.url}/{tenantid}/v2.0`,
    token_endpoint: `${entra.url}/${tenant}/oauth2/v2.0/token`,
  });
});

it("does not know other tenants (AADSTS90002)", async () => {
  expect(await discover("consumers")).toMatchObject({ error_codes: [90002] });
});

it("publishes public keys only", async () => {
  const response = await fetch(`${entra.url}/common/discovery/v2.0/keys`);
  const { keys } = z
    .object({ keys: z.array(z.record(z.string(), z.string())) })
    .parse(await response.json());
  expect(keys).toHaveLength(2);
  for (const key of keys) {
    expect(Object.keys(key).toSorted()).toEqual(["e", "issuer", "kid", "kty", "n", "use"]);
  }
});

it("names its own host in instance discovery", async () => {
  const response = await fetch(
    `${entra.url}/common/discovery/instance?api-version=1.1&authorization_endpoint=${entra.url}/${HOME_TENANT.id}/oauth2/v2.0/authorize`,
  );
  expect(await response.json()).toMatchObject({
    metadata: [{ preferred_network: `localhost:${entra.port}` }],
  });
});

const logout = (to: string) =>
  fetch(`${entra.url}/common/oauth2/v2.0/logout?post_logout_redirect_uri=${to}`, {
    redirect: "manual",
  });

it("signs out to a page, or back to an address on this machine only", async () => {
  expect((await logout("http://localhost:7071/")).headers.get("location")).toBe(
    "http://localhost:7071/",
  );
  expect((await logout("https://evil.example/")).status).toBe(200);
});
