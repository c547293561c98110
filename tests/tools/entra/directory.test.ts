import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { ACCOUNTS, APPLICATION, HOME_TENANT } from "../../../tools/entra/directory.ts";
import { PUBLISHER } from "../../../tools/entra/service-principals.ts";

const README = join(import.meta.dirname, "../../../tools/entra/README.md");
const SAMPLE = join(import.meta.dirname, "../../../local.settings.sample.json");

it("has the registration that the sample settings name", async () => {
  const { Values } = z
    .object({ Values: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(SAMPLE, "utf8")));
  expect(Values).toMatchObject({
    ENTRA_TENANT_ID: HOME_TENANT.id,
    ENTRA_CLIENT_ID: APPLICATION.clientId,
    ENTRA_CLIENT_SECRET: APPLICATION.secret,
  });
});

it("has the publisher that its README asks for a token with", async () => {
  const readme = await readFile(README, "utf8");
  expect(readme).toContain(PUBLISHER.clientId);
  expect(readme).toContain(PUBLISHER.secret);
  expect(readme).toContain(`${APPLICATION.clientId}/.default`);
});

it("has no two people with one object id or one address", () => {
  const people = Object.values(ACCOUNTS);
  expect(new Set(people.map(({ profile }) => profile.id)).size).toBe(people.length);
  expect(new Set(people.map(({ profile }) => profile.userPrincipalName)).size).toBe(people.length);
});
