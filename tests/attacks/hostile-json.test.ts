import { afterEach, describe, expect, it } from "vitest";
import { jsonOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { type ConnectedClient, connectAs } from "../support/sdk-client.ts";

const facade = useFacade();

const POLLUTION = `{"isAdmin":true,"scope":"admin","polluted":"yes"}`;

afterEach(() => {
  const clean = {} as Record<string, unknown>;
  expect([clean["polluted"], clean["isAdmin"], clean["scope"]]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(facade.app.log.filter((line) => line.includes("request-failed"))).toEqual([]);
});

function register(body: string): Promise<Response> {
  return facade.app.fetch(`${facade.app.baseUrl}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
}

describe("prototype pollution (CWE-1321): keys of every object change nothing", () => {
  it.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"])(
    "%s in a registration",
    async (key) => {
      const answer = await register(`{"redirect_uris":["${REDIRECT_URI}"],"${key}":${POLLUTION}}`);
      expect([201, 400]).toContain(answer.status);
      expect(JSON.stringify(await jsonOf(answer))).not.toContain("admin");
    },
  );

  it.each([
    "__proto__",
    "constructor",
    "constructor[prototype][polluted]",
    "__proto__[polluted]",
    "a.__proto__.b",
  ])("%s in a form and in a query", async (key) => {
    const tokens = await facade.client.tokens();
    expect((await facade.client.refresh(tokens.refresh_token, { [key]: "yes" })).status).toBe(200);
    const url = facade.client.authorizationUrl({ [key]: "yes" });
    expect((await facade.browser().get(url)).status).toBe(200);
  });

  it.each(["__proto__", "constructor", "hasOwnProperty", "toString"])(
    "%s as a grant type, a client, a code or a decision",
    async (word) => {
      expect((await facade.client.redeem(word, { grant_type: word })).status).toBe(400);
      expect((await facade.client.redeem(word, { client_id: word })).status).toBe(401);
      expect((await facade.client.redeem(word)).status).toBe(400);
      const url = facade.client.authorizationUrl({ response_type: word });
      expect((await facade.browser().get(url)).headers.get("location")).toContain(
        "unsupported_response_type",
      );
    },
  );
});

describe("a registration that is not what it should be", () => {
  it.each([
    "null",
    "[]",
    "1",
    '"x"',
    "true",
    "{}",
    `{"redirect_uris":"${REDIRECT_URI}"}`,
    `{"redirect_uris":{"0":"${REDIRECT_URI}","length":1}}`,
    `{"redirect_uris":[["${REDIRECT_URI}"]]}`,
    `{"redirect_uris":[null]}`,
    `{"redirect_uris":[{"toString":"x"}]}`,
    `{"redirect_uris":["${REDIRECT_URI}"],"client_name":["x"]}`,
    `{"redirect_uris":["${REDIRECT_URI}"],"client_name":{"toString":"x"}}`,
    `{"redirect_uris":["${REDIRECT_URI}"],"client_uri":"javascript:alert(1)"}`,
    `{"redirect_uris":["${REDIRECT_URI}"],"response_types":["token"]}`,
    `{"redirect_uris":["${REDIRECT_URI}"]}{}`,
    `{"redirect_uris":["${REDIRECT_URI}"],}`,
    `{redirect_uris:["${REDIRECT_URI}"]}`,
    "",
    "\u0000",
    "NaN",
  ])("%s is 400", async (body) => {
    expect((await register(body)).status).toBe(400);
  });

  it("with an id, a secret or a method of its own gets ours (RFC 7591 §3.2.1)", async () => {
    const answer = await facade.client.postJson("/register", {
      redirect_uris: [REDIRECT_URI],
      client_id: facade.client.id,
      client_secret: "evil",
      registration_access_token: "evil",
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["client_credentials", "password"],
      scope: "admin",
    });
    const information = await jsonOf(answer);
    expect(answer.status).toBe(201);
    expect(information["client_id"]).not.toBe(facade.client.id);
    expect(JSON.stringify(information)).not.toMatch(/evil|admin|password|client_credentials/);
  });

  it("with a key twice counts the last, in what is checked and in what is kept", async () => {
    const twice = `{"redirect_uris":["${REDIRECT_URI}"],"redirect_uris":["javascript:alert(1)"]}`;
    expect((await register(twice)).status).toBe(400);
  });

  it.each([
    ["lists in lists", "[".repeat(30_000) + "]".repeat(30_000)],
    ["lists that never end", "[".repeat(60_000)],
    ["objects in objects", '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000)],
    [
      "deep key sets",
      `{"redirect_uris":["${REDIRECT_URI}"],"jwks":${"[".repeat(25_000)}${"]".repeat(25_000)}}`,
    ],
    [
      "a deep name",
      `{"redirect_uris":["${REDIRECT_URI}"],"client_name":${"[".repeat(25_000)}${"]".repeat(25_000)}}`,
    ],
    ["a very long list", `{"redirect_uris":[${Array(12_000).fill('""').join(",")}]}`],
    ["a very long number", `{"redirect_uris":[${"9".repeat(60_000)}]}`],
  ])("of %s is answered and breaks nothing", async (_what, body) => {
    expect([201, 400]).toContain((await register(body)).status);
    expect((await facade.get("/health")).status).toBe(200);
  });
});

/** Signs alice in over a stream, for as long as `use` takes. */
async function connected<T>(use: (session: ConnectedClient) => Promise<T>): Promise<T> {
  const session = await connectAs(facade.app.baseUrl, "alice", facade.app.fetch);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

describe("messages on a stream", () => {
  it.each(["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", ""])(
    "the tool, the resource and the prompt %j are not there",
    (name) =>
      connected(async ({ client }) => {
        await expect(client.callTool({ name, arguments: {} })).rejects.toThrow();
        await expect(client.getPrompt({ name, arguments: {} })).rejects.toThrow();
        await expect(client.readResource({ uri: name })).rejects.toThrow();
        expect((await client.listTools()).tools.length).toBeGreaterThan(0);
      }),
  );

  it("filters and prompts named like properties of every object are kept as data, or refused", () =>
    connected(async ({ client }) => {
      const parsed = JSON.parse(`{"__proto__":"x","constructor":"y"}`) as Record<string, string>;
      await client.callTool({ name: "updateSettings", arguments: { filters: parsed } });
      const savedPrompts = ["__proto__", "constructor"].map((name) => ({ name, text: "hello" }));
      await client.callTool({ name: "updateSettings", arguments: { savedPrompts } });
      const result = await client.callTool({ name: "getSettings", arguments: {} });
      expect(result.isError).toBeFalsy();
      const prompt = await client.getPrompt({ name: "constructor", arguments: {} });
      expect(JSON.stringify(prompt)).toContain("hello");
    }));

  it("arguments ten thousand levels deep are refused, and the stream goes on", () =>
    connected(async ({ client }) => {
      let deep: unknown = 1;
      for (let n = 0; n < 5_000; n++) deep = [deep];
      const result = await client
        .callTool({
          name: "updateSettings",
          arguments: { filters: deep },
        })
        .catch((error: unknown) => ({ isError: true, error }));
      expect(result.isError).toBe(true);
      expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    }));
});
