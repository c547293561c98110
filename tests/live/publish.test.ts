import { generateKeyPair, SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { Feeds } from "../../shared/live/feeds.ts";
import { userKeyOf } from "../../shared/sessions/user-key.ts";
import { ACCOUNTS, APPLICATION, GUEST_TENANT, HOME_TENANT } from "../../tools/entra/directory.ts";
import { signInAs } from "../../tools/entra/sign-in-as.ts";
import { FOREIGN_PUBLISHER, NO_ROLE, PUBLISHER } from "../../tools/entra/service-principals.ts";
import { createTestApp } from "../support/test-app.ts";
import { appToken } from "../support/app-token.ts";
import { useFacade } from "../support/facade.ts";
import { authorizationUrl, pkce, postToken, TokensSchema } from "../tools/entra/support.ts";

const facade = useFacade();

const aliceKey = userKeyOf({
  tenantId: HOME_TENANT.id,
  objectId: ACCOUNTS.alice.profile.id,
});
const alice = { userKey: aliceKey, roles: [] };
const bob = { userKey: "bob", roles: [] };

let feeds: Feeds;
let token: string;
beforeEach(async () => {
  feeds = new Feeds(facade.app);
  token = await appToken(facade.entra, PUBLISHER);
});

async function publish(body: unknown, authorization: string | undefined = `Bearer ${token}`) {
  const response = await facade.app.fetch(new URL("/publish", facade.app.baseUrl), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(authorization !== undefined && { authorization }),
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

const price = (value: unknown, sequence: number, more = {}) => [
  { topic: "prices", value, sequence, ...more },
];

describe("POST /publish", () => {
  it("sets the value of a feed for everybody, JSON or text", async () => {
    expect(await publish(price({ eur: 12.5 }, 1))).toEqual({
      status: 200,
      body: [{ topic: "prices", result: "published" }],
    });
    expect(await feeds.read("prices", bob)).toMatchObject({
      text: '{"eur":12.5}',
      mimeType: "application/json",
      sequence: 1,
    });
    await publish(price("closed", 2));
    expect(await feeds.read("prices", bob)).toMatchObject({
      text: "closed",
      mimeType: "text/plain",
    });
    expect(await feeds.topics(bob)).toEqual(["prices"]);
  });

  it("counts once what is sent twice, and never goes back", async () => {
    await publish(price(1, 5));
    const again = await publish(price(1, 5));
    expect(again.body).toEqual([{ topic: "prices", result: "unchanged" }]);
    const older = await publish(price(0, 4));
    expect(older.body).toEqual([{ topic: "prices", result: "stale" }]);
    expect(await feeds.read("prices", bob)).toMatchObject({ text: "1", sequence: 5 });
  });

  it("ends with the newest of many that are sent at once", async () => {
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    await Promise.all(numbers.map((n) => publish(price(n, n))));
    expect(await feeds.read("prices", bob)).toMatchObject({ text: "29", sequence: 29 });
  });

  it("tells some people what it does not tell the others", async () => {
    await publish(price("for all", 1));
    await publish(price("for Alice", 1, { people: [ACCOUNTS.alice.profile.id.toUpperCase()] }));
    expect(await feeds.read("prices", alice)).toMatchObject({ text: "for Alice" });
    expect(await feeds.read("prices", bob)).toMatchObject({ text: "for all" });
  });

  it("shows a person's own feed to nobody else, not even that it is there", async () => {
    const people = [ACCOUNTS.alice.profile.id];
    await publish([{ topic: "salary", value: 1, sequence: 1, people }]);
    expect(await feeds.topics(alice)).toEqual(["salary"]);
    expect(await feeds.topics(bob)).toEqual([]);
    expect(await feeds.read("salary", bob)).toBeUndefined();
  });

  it("changes nothing at all where a number comes again with something else", async () => {
    await publish(price("secret", 5, { requiredRole: "Traders" }));
    const again = await publish(price("open", 5));
    expect(again.body).toEqual([{ topic: "prices", result: "unchanged" }]);
    expect(await feeds.topics(bob)).toEqual([]);
    const trader = { ...bob, roles: ["Traders"] };
    expect(await feeds.topics(trader)).toEqual(["prices"]);
    expect(await feeds.read("prices", trader)).toMatchObject({ text: "secret" });
  });

  it("takes the values of one topic in the order in which they stand", async () => {
    const { body } = await publish([...price(1, 1), ...price(3, 3), ...price(2, 2)]);
    expect(body).toMatchObject([
      { result: "published" },
      { result: "published" },
      { result: "stale" },
    ]);
    expect(await feeds.read("prices", bob)).toMatchObject({ text: "3" });
  });

  it("reads a person what they may read, where their own value needs a role that they lack", async () => {
    await publish(price("for all", 1));
    const people = [ACCOUNTS.alice.profile.id];
    await publish(price("for Alice", 2, { people, requiredRole: "Traders" }));
    expect(await feeds.topics(alice)).toEqual(["prices"]);
    expect(await feeds.read("prices", alice)).toMatchObject({ text: "for all" });
    const trader = { ...alice, roles: ["Traders"] };
    expect(await feeds.read("prices", trader)).toMatchObject({ text: "for Alice" });
  });

  it("goes by the role of the latest value", async () => {
    await publish(price("open", 1));
    await publish(price("secret", 2, { requiredRole: "Traders" }));
    expect(await feeds.topics(bob)).toEqual([]);
    expect(await feeds.read("prices", bob)).toBeUndefined();
    await publish(price("open again", 3));
    expect(await feeds.topics(bob)).toEqual(["prices"]);
    expect(await feeds.read("prices", bob)).toMatchObject({ text: "open again" });
  });

  it("takes the home account ids that MSAL knows people by", async () => {
    const people = [`${ACCOUNTS.alice.profile.id}.${HOME_TENANT.id}`.toUpperCase()];
    expect((await publish(price("for Alice", 1, { people }))).status).toBe(200);
    expect(await feeds.read("prices", alice)).toMatchObject({ text: "for Alice" });
    expect(await feeds.read("prices", bob)).toBeUndefined();
  });

  it("refuses a batch in which somebody of another tenant is named, all of it", async () => {
    const people = [ACCOUNTS.alice.profile.id, `${ACCOUNTS.guest.profile.id}.${GUEST_TENANT.id}`];
    const batch = [...price("for all", 1), ...price("for a guest", 2, { people })];
    expect(await publish(batch)).toMatchObject({
      status: 403,
      body: { error: "insufficient_scope" },
    });
    expect(await feeds.read("prices", alice)).toBeUndefined();
    const denied = facade.app.log.filter((line) => line.includes("other_tenant"));
    expect(denied).toHaveLength(1);
  });

  it("means people of its own tenant, whatever an object id is in another", async () => {
    await publish(price("for a guest", 1, { people: [ACCOUNTS.guest.profile.id] }));
    const guest = { tenantId: GUEST_TENANT.id, objectId: ACCOUNTS.guest.profile.id };
    const reader = { userKey: userKeyOf(guest), roles: [] };
    expect(await feeds.topics(reader)).toEqual([]);
    expect(await feeds.read("prices", reader)).toBeUndefined();
  });

  it("shows what asks for a role to those who have it", async () => {
    await publish(price("secret", 1, { requiredRole: "Traders" }));
    expect(await feeds.read("prices", bob)).toBeUndefined();
    expect(await feeds.topics(bob)).toEqual([]);
    const trader = { ...bob, roles: ["Traders"] };
    expect(await feeds.read("prices", trader)).toMatchObject({ text: "secret" });
    expect(await feeds.topics(trader)).toEqual(["prices"]);
  });

  it("keeps 64 KiB, and takes a hundred values at once", async () => {
    expect((await publish(price("x".repeat(65_536), 1))).status).toBe(200);
    expect((await feeds.read("prices", bob))?.text).toHaveLength(65_536);
    await publish(price("short", 2));
    expect(await feeds.read("prices", bob)).toMatchObject({ text: "short" });
    const many = Array.from({ length: 100 }, (_, n) => ({
      topic: `t${n}`,
      value: n,
      sequence: 0,
    }));
    expect((await publish(many)).status).toBe(200);
    expect(await feeds.topics(bob)).toHaveLength(101);
  });

  it.each([
    ["no array", {}],
    ["nothing", []],
    ["more than a hundred", Array.from({ length: 101 }, () => price(1, 1)[0])],
    ["a topic that leaves its table key", [{ topic: "a/b", value: 1, sequence: 1 }]],
    ["a topic that is too long", [{ topic: "a".repeat(65), value: 1, sequence: 1 }]],
    ["no sequence", [{ topic: "a", value: 1 }]],
    ["a sequence that is no number", [{ topic: "a", value: 1, sequence: "1" }]],
    ["a sequence that numbers cannot count to", [{ topic: "a", value: 1, sequence: 2 ** 53 }]],
    ["a sequence between two", [{ topic: "a", value: 1, sequence: 1.5 }]],
    ["a negative sequence", [{ topic: "a", value: 1, sequence: -1 }]],
    ["people who are no object ids", price(1, 1, { people: ["alice@contoso.example"] })],
    [
      "people with half a tenant",
      price(1, 1, { people: [`${ACCOUNTS.alice.profile.id}.contoso`] }),
    ],
    ["nobody", price(1, 1, { people: [] })],
    ["a member that is not known", price(1, 1, { audience: "all" })],
    ["more than 64 KiB", price("x".repeat(65_537), 1)],
    ["more than 64 KiB in fewer characters", price("ü".repeat(32_769), 1)],
    ["what one of a batch does not fit", [...price(1, 1), { topic: "b", value: 1 }]],
    ["a topic with a line break", [{ topic: "a\n", value: 1, sequence: 1 }]],
    ["a topic that leads elsewhere", [{ topic: "..", value: 1, sequence: 1 }]],
    ["a topic that begins like a flag", [{ topic: "-a", value: 1, sequence: 1 }]],
    ["no topic", [{ topic: "", value: 1, sequence: 1 }]],
    ["no value", [{ topic: "a", sequence: 1 }]],
    [
      "what is nested too deep",
      `[{"topic":"a","sequence":1,"value":${"[".repeat(30_000)}${"]".repeat(30_000)}}]`,
    ],
    ["what is nested too deep and too long", `${"[".repeat(2_000_000)}${"]".repeat(2_000_000)}`],
  ])("refuses %s, and publishes nothing", async (_, body) => {
    expect(await publish(body)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect(await feeds.topics(bob)).toEqual([]);
  });

  it("refuses a body of more than 4 MiB", async () => {
    expect((await publish(price("x".repeat(4_300_000), 1))).status).toBe(413);
  });
});

const refused = async (authorization: string | undefined, status: 401 | 403) => {
  expect((await publish(price(1, 1), authorization)).status).toBe(status);
  expect(await feeds.read("prices", bob)).toBeUndefined();
  const denied = facade.app.log.filter((line) => line.includes('"published"'));
  expect(denied.some((line) => line.includes('"denied"'))).toBe(true);
};
const idToken = async () => {
  const { verifier, challenge } = pkce();
  const url = authorizationUrl(facade.entra, {
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  const back = await signInAs(url, "admin");
  const answer = await postToken(facade.entra, {
    grant_type: "authorization_code",
    code: back.searchParams.get("code") ?? "",
    redirect_uri: "http://localhost:7071/callback",
    code_verifier: verifier,
  });
  return TokensSchema.parse(await answer.json());
};

describe("who may not publish", () => {
  it("is one without a token", () => refused("", 401));
  it("is one with something else", () => refused("Bearer nonsense", 401));

  it("is a program without the role", async () => {
    await refused(`Bearer ${await appToken(facade.entra, NO_ROLE)}`, 403);
  });

  it("is a program of another tenant, whatever role it was given there", async () => {
    await refused(`Bearer ${await appToken(facade.entra, FOREIGN_PUBLISHER, GUEST_TENANT)}`, 401);
  });

  it("is a person, with a token of Entra's", async () => {
    const { id_token: id, access_token: graph } = await idToken();
    await refused(`Bearer ${id}`, 403);
    await refused(`Bearer ${graph}`, 401);
  });

  it("is an MCP client, with a token of ours", async () => {
    await refused(`Bearer ${(await facade.client.tokens()).access_token}`, 401);
  });

  it("is one with a token of its own making", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    const forged = await new SignJWT({
      tid: HOME_TENANT.id,
      oid: ACCOUNTS.alice.profile.id,
      idtyp: "app",
      roles: ["Mcp.Publish"],
    })
      .setProtectedHeader({ alg: "RS256", kid: "forged" })
      .setIssuer(`${facade.entra.url}/${HOME_TENANT.id}/v2.0`)
      .setAudience(APPLICATION.clientId)
      .setExpirationTime("1h")
      .sign(privateKey);
    await refused(`Bearer ${forged}`, 401);
  });

  it("is one whose token has expired", async () => {
    facade.app.clock.advance({ seconds: 90_000 });
    await refused(`Bearer ${token}`, 401);
  });

  it("and a publisher's token opens nothing else", async () => {
    expect(await facade.sseStatus(token)).toBe(401);
  });
});

describe("a server for people of several tenants", () => {
  const ENTRA = { ENTRA_TENANT_ID: "organizations", ENTRA_ALLOWED_TENANTS: "*" };
  const publishTo = async (env: Record<string, string>, bearer: string) => {
    const app = createTestApp({ entraUrl: facade.entra.url, env: { ...ENTRA, ...env } });
    const response = await app.fetch(new URL("/publish", app.baseUrl), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
      body: JSON.stringify(price(1, 1)),
    });
    return { status: response.status, text: await response.text() };
  };

  it("takes what programs of its home tenant publish, and no other tenant's", async () => {
    const home = { ENTRA_HOME_TENANT_ID: HOME_TENANT.id };
    expect((await publishTo(home, token)).status).toBe(200);
    const foreign = await appToken(facade.entra, FOREIGN_PUBLISHER, GUEST_TENANT);
    expect((await publishTo(home, foreign)).status).toBe(401);
  });

  it("takes nothing where it does not know its home tenant, and says why", async () => {
    const { status, text } = await publishTo({}, token);
    expect(status).toBe(401);
    expect(text).toContain("home tenant");
  });
});

describe("while Entra is away", () => {
  it("is asked to try again, and told nothing about the token", async () => {
    facade.entra.set({ down: true });
    expect((await publish(price(1, 1))).status).toBe(503);
  });
});
