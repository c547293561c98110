import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { open, SealBroken } from "../../shared/keys/seal.ts";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { handleKey } from "../../shared/storage/hourly-handle.ts";
import type { Key, TableName } from "../../shared/storage/store.ts";
import { expectPage, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { approve, pickAccount } from "../support/sign-in.ts";
import { location, parseForm, type UserAgent } from "../support/user-agent.ts";

const facade = useFacade();

async function consentForm(agent: UserAgent): Promise<Record<string, string>> {
  const page = await agent.get(facade.client.authorizationUrl());
  return { ...parseForm(await page.text()).fields, decision: "approve" };
}

function post(agent: UserAgent, fields: Record<string, string>): Promise<Response> {
  return agent.post(`${facade.app.baseUrl}/consent`, fields, { "sec-fetch-site": "same-origin" });
}

function sessionOf({ access_token }: TokenResponse): Key & { id: string } {
  const { sub = "", sid } = decodeJwt<{ sid: string }>(access_token);
  return { partition: sub, row: sid, id: sid };
}

async function move(table: TableName, from: Key, to: Key): Promise<void> {
  const row = await facade.app.store.get(table, from);
  await facade.app.store.put(table, to, row?.value ?? {});
}

describe("the sealed request of the consent form", () => {
  it.each([
    ["header", 0],
    ["nonce", 1],
    ["ciphertext", 2],
    ["tag", 3],
  ])("is refused with any character of its %s changed", async (_part, at) => {
    const agent = facade.browser();
    const fields = await consentForm(agent);
    const parts = fields["request"]?.split(".") ?? [];
    const part = parts[at] ?? "";
    const step = Math.max(1, Math.floor(part.length / 40));
    // The last character of base64 has bits that say nothing: it is the bytes that count.
    for (let n = 0; n < part.length - 1; n += step) {
      const flipped = part[n] === "A" ? "B" : "A";
      const bent = part.slice(0, n) + flipped + part.slice(n + 1);
      const request = parts.with(at, bent).join(".");
      await expectPage(await post(agent, { ...fields, request }), 400);
    }
    expect((await post(agent, fields)).status).toBe(303);
  });

  it("is refused with parts left out, empty or in another order", async () => {
    const agent = facade.browser();
    const fields = await consentForm(agent);
    const parts = fields["request"]?.split(".") ?? [];
    const bent = [
      parts.toReversed(),
      parts.slice(0, 3),
      parts.slice(1),
      ...parts.map((_, at) => parts.with(at, "")),
      [],
    ];
    for (const request of bent) {
      await expectPage(await post(agent, { ...fields, request: request.join(".") }), 400);
    }
  });

  it("put together from two is refused", async () => {
    const agent = facade.browser();
    const one = (await consentForm(agent))["request"]?.split(".") ?? [];
    const two = (await consentForm(agent))["request"]?.split(".") ?? [];
    for (let at = 1; at < 4; at++) {
      const request = one.with(at, two[at] ?? "").join(".");
      await expectPage(await post(agent, { request, decision: "approve" }), 400);
    }
  });

  it("is for its client, its URI and its scopes, whatever else the form says", async () => {
    const evil = await facade.stranger();
    const agent = facade.browser();
    const entraUrl = location(
      await post(agent, {
        ...(await consentForm(agent)),
        client_id: evil.id,
        redirect_uri: "https://evil.example",
        code_challenge: evil.challenge,
        state: "evil",
      }),
    );
    const back = location(await agent.get(await pickAccount(agent, entraUrl, "alice")));
    expect(back.searchParams.get("state")).toBe("the-state");
    const code = back.searchParams.get("code") ?? "";
    expect(await refusalOf(await evil.redeem(code))).toBe("400 invalid_grant");
    expect((await facade.client.redeem(code)).status).toBe(200);
  });

  it("is worth nothing after ten minutes, also to its own browser", async () => {
    const agent = facade.browser();
    const fields = await consentForm(agent);
    facade.app.clock.advance({ seconds: 600 });
    await expectPage(await post(agent, fields), 400);
  });
});

describe("a sealed value of one purpose is none of another", () => {
  it("a remembered consent is no consent form, and a form no remembered consent", async () => {
    const agent = facade.browser();
    const fields = await consentForm(agent);
    await post(agent, { ...fields, remember: "yes" });
    const jar = agent.cookies(facade.app.baseUrl);
    const remembered = jar.get("dev-consents") ?? "";
    await expectPage(await post(agent, { ...fields, request: remembered }), 400);
    jar.set("dev-consents", fields["request"] ?? "");
    const url = facade.client.authorizationUrl();
    await expectPage(await agent.get(url, { "sec-fetch-site": "none" }), 200);
    jar.set("dev-consents", remembered);
    expect((await agent.get(url, { "sec-fetch-site": "none" })).status).toBe(303);
  });

  it("nothing that is sealed in a table is a consent form", async () => {
    const agent = facade.browser();
    const fields = await consentForm(agent);
    const entraUrl = await approve(agent, facade.client.authorizationUrl());
    const key = handleKey(entraUrl.searchParams.get("state") ?? "");
    const tokens = await facade.client.tokens();
    const { id, ...session } = sessionOf(tokens);
    await facade.client.refresh(tokens.refresh_token);
    const { store } = facade.app;
    const sealed = [
      key && (await store.get("transactions", key))?.value["sealed"],
      (await store.get("vault", { partition: id, row: "0" }))?.value["part0"],
      (await store.get("sessions", session))?.value["retryAnswer"],
    ];
    for await (const { value } of store.list("keys", "signing")) sealed.push(value["sealed"]);
    for (const request of sealed) {
      expect(String(request).split(".")).toHaveLength(4);
      await expectPage(await post(agent, { ...fields, request: String(request) }), 400);
    }
  });
});

describe("who can write to the tables cannot move a sealed value to another row", () => {
  it("one person's Entra tokens never serve another's session", async () => {
    const other = await facade.stranger();
    const alice = await facade.client.tokens("alice");
    const bob = await other.tokens("bob");
    const keep = { partition: "kept", row: "0" };
    const from = { partition: sessionOf(alice).id, row: "0" };
    const to = { partition: sessionOf(bob).id, row: "0" };
    await move("vault", to, keep);
    await move("vault", from, to);
    const refused = await other.refresh(bob.refresh_token);
    expect(await refusalOf(refused)).toBe("503 temporarily_unavailable");
    // What was his is good again where it belongs.
    await move("vault", keep, to);
    expect((await other.refresh(bob.refresh_token)).status).toBe(200);
    expect((await facade.client.refresh(alice.refresh_token)).status).toBe(200);
  });

  it("one person's transaction never ends another's sign-in", async () => {
    const [victim, attacker] = [facade.browser(), facade.browser()];
    const hers = await approve(victim, facade.client.authorizationUrl());
    const his = await approve(attacker, facade.client.authorizationUrl({ state: "his" }));
    const from = handleKey(his.searchParams.get("state") ?? "");
    const to = handleKey(hers.searchParams.get("state") ?? "");
    if (from === undefined || to === undefined) throw new Error("a state has a key");
    await move("transactions", from, to);
    const answer = await victim.get(await pickAccount(victim, hers, "alice"));
    expect(answer.status).toBe(503);
    expect(answer.headers.get("location")).toBeNull();
  });

  it("a signing key does not pass for another, nor does one that was slipped in", async () => {
    const { access_token } = await facade.client.tokens();
    const rows = [];
    for await (const row of facade.app.store.list("keys", "signing")) rows.push(row);
    const [own] = rows;
    const value = { ...own?.value, kid: "evil" };
    await facade.app.store.put("keys", { partition: "signing", row: "999999" }, value);
    facade.app.clock.advance({ seconds: 10 });
    const forged = access_token.replace(/^[^.]+/, (header) =>
      Buffer.from(
        JSON.stringify({
          ...(JSON.parse(Buffer.from(header, "base64url").toString()) as object),
          kid: "evil",
        }),
      ).toString("base64url"),
    );
    expect(await facade.sseStatus(forged)).not.toBe(200);
  });
});

it("who can read the tables cannot open a retry answer: the hash in its row is not its key", async () => {
  const { refresh_token: presented } = await facade.client.tokens();
  const answer = (await (await facade.client.refresh(presented)).json()) as TokenResponse;
  const { id, ...key } = sessionOf(answer);
  const row = await facade.app.store.get("sessions", key);
  const { previousHash, refreshHash, retryAnswer } = row?.value ?? {};
  for (const hash of [previousHash, refreshHash]) {
    for (const encoding of ["base64url", "utf8"] as const) {
      const secret = Uint8Array.from(Buffer.from(String(hash), encoding));
      const opened = open(() => ({ kid: "", secret }), "retry-answer", id, String(retryAnswer));
      await expect(opened).rejects.toThrow(SealBroken);
    }
  }
});
