import { beforeEach, describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { signIn } from "../support/sign-in.ts";

const facade = useFacade();

/** The same registered client on the attacker's machine: same id, a PKCE pair of its own. */
let attacker: OAuthTestClient;

beforeEach(() => {
  attacker = new OAuthTestClient(facade.app.baseUrl, facade.app.fetch);
  attacker.id = facade.client.id;
});

/** Redeems the victim's code with the victim's verifier, and uses what it gives. */
async function expectUnharmed(code: string): Promise<TokenResponse> {
  const answer = await facade.client.redeem(code);
  expect(answer.status).toBe(200);
  const tokens = (await answer.json()) as TokenResponse;
  expect(await facade.sseStatus(tokens.access_token)).toBe(200);
  return tokens;
}

describe("code injection (RFC 9700 §4.5): a stolen code", () => {
  it("gives nothing to the attacker's own instance of the client, and stays good for the victim", async () => {
    const code = await facade.client.code("alice");
    expect(await refusalOf(await attacker.redeem(code))).toBe("400 invalid_grant");
    await expectUnharmed(code);
  });

  it("gives nothing to another client, not even with the victim's verifier (RFC 6749 §10.5)", async () => {
    const code = await facade.client.code("alice");
    const { id } = await facade.stranger();
    const stolen = await facade.client.redeem(code, { client_id: id });
    expect(await refusalOf(stolen)).toBe("400 invalid_grant");
    await expectUnharmed(code);
  });

  it("gives nothing by way of another redirect URI of the client (RFC 6749 §10.6)", async () => {
    const uris = [REDIRECT_URI, "https://app.example/cb"];
    await facade.client.register({ redirect_uris: uris });
    const code = await facade.client.code("alice");
    const stolen = await facade.client.redeem(code, { redirect_uri: "https://app.example/cb" });
    expect(await refusalOf(stolen)).toBe("400 invalid_grant");
    await expectUnharmed(code);
  });

  it("swapped with another person's at the client signs neither in as the other", async () => {
    const alice = await facade.client.code("alice");
    const bob = await attacker.code("bob");
    expect(await refusalOf(await facade.client.redeem(bob))).toBe("400 invalid_grant");
    expect(await refusalOf(await attacker.redeem(alice))).toBe("400 invalid_grant");
    await expectUnharmed(alice);
    expect((await attacker.redeem(bob)).status).toBe(200);
  });

  it("does not widen: a code for /sse gives no token for the whole server (RFC 8707 §2.2)", async () => {
    const code = await facade.client.code("alice");
    const wider = await facade.client.redeem(code, { resource: facade.app.baseUrl });
    expect(await refusalOf(wider)).toBe("400 invalid_target");
    await expectUnharmed(code);
  });

  it.each([
    ["with a space behind it", (code: string) => `${code} `],
    ["with a line break behind it", (code: string) => `${code}\n`],
    ["with a null byte behind it", (code: string) => `${code}\u0000`],
    ["encoded twice", (code: string) => encodeURIComponent(encodeURIComponent(`${code} `))],
    ["filed under another hour", (code: string) => `1${code}`],
    ["filed under the hour written otherwise", (code: string) => `0${code.slice(0, -1)}`],
    ["in capitals", (code: string) => code.toUpperCase()],
    ["padded as base64", (code: string) => `${code}=`],
    ["twice in one", (code: string) => `${code},${code}`],
  ])("is no code %s", async (_trick, bend) => {
    const code = await facade.client.code("alice");
    const answer = await facade.client.redeem(bend(code));
    expect(await refusalOf(answer)).toBe("400 invalid_grant");
    await expectUnharmed(code);
  });
});

describe("PKCE downgrade (RFC 9700 §4.8.2): an attacker who", () => {
  it.each([
    ["takes the challenge out of the request", { code_challenge: undefined }],
    ["takes the method out, which would mean plain", { code_challenge_method: undefined }],
    ["asks for plain", { code_challenge_method: "plain" }],
    ["asks for plain in capitals", { code_challenge_method: "PLAIN" }],
    ["writes S256 in small letters", { code_challenge_method: "s256" }],
    ["takes both out", { code_challenge: undefined, code_challenge_method: undefined }],
    ["empties both", { code_challenge: "", code_challenge_method: "" }],
  ])("%s gets no code", async (_trick, changes) => {
    const answer = await facade.browser().get(facade.client.authorizationUrl(changes));
    const back = new URL(answer.headers.get("location") ?? "");
    expect(back.searchParams.get("error")).toBe("invalid_request");
    expect(back.searchParams.has("code")).toBe(false);
  });

  it.each([
    ["leaves the verifier out", { code_verifier: undefined }, "400 invalid_request"],
    ["empties the verifier", { code_verifier: "" }, "400 invalid_request"],
    ["sends the method plain at /token", { code_verifier: "v".repeat(43), code_challenge_method: "plain" }, "400 invalid_grant"], // prettier-ignore
  ])("%s gets no token", async (_trick, changes, refusal) => {
    const code = await facade.client.code("alice");
    expect(await refusalOf(await facade.client.redeem(code, changes))).toBe(refusal);
    await expectUnharmed(code);
  });

  it("presents the challenge, which he saw in the request, as the verifier gets no token", async () => {
    const code = await facade.client.code("alice");
    const { challenge } = facade.client;
    const answer = await facade.client.redeem(code, { code_verifier: challenge });
    expect(await refusalOf(answer)).toBe("400 invalid_grant");
    await expectUnharmed(code);
  });

  it("puts his own challenge beside the victim's gets no code", async () => {
    const url = facade.client.authorizationUrl();
    url.searchParams.append("code_challenge", attacker.challenge);
    const answer = await facade.browser().get(url);
    expect(answer.headers.get("location")).toContain("error=invalid_request");
  });
});

describe("code replay (RFC 9700 §4.5, OAuth 2.1 §4.1.3): an attacker who", () => {
  it("has code and verifier and comes later gets nothing, and ends the session that he may have stolen", async () => {
    const code = await facade.client.code("alice");
    const tokens = await expectUnharmed(code);
    facade.app.clock.advance({ seconds: 1 });
    expect(await refusalOf(await facade.client.redeem(code))).toBe("400 invalid_grant");
    expect(await refusalOf(await facade.client.refresh(tokens.refresh_token))).toBe(
      "400 invalid_grant",
    );
    // A check of the session may be half a minute old.
    facade.app.clock.advance({ seconds: 31 });
    expect(await facade.sseStatus(tokens.access_token)).toBe(401);
  });

  it("does so ends no other session of the person", async () => {
    const other = await (await facade.stranger()).tokens("alice");
    const code = await facade.client.code("alice");
    await facade.client.redeem(code);
    facade.app.clock.advance({ seconds: 40 });
    await facade.client.redeem(code);
    expect(await facade.sseStatus(other.access_token)).toBe(200);
  });

  it("has the code alone cannot end the victim's session with it", async () => {
    const code = await facade.client.code("alice");
    const tokens = await expectUnharmed(code);
    facade.app.clock.advance({ seconds: 31 });
    const stranger = await facade.stranger();
    expect(await refusalOf(await attacker.redeem(code))).toBe("400 invalid_grant");
    expect(await refusalOf(await stranger.redeem(code))).toBe("400 invalid_grant");
    expect(await facade.sseStatus(tokens.access_token)).toBe(200);
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it("waits until the code has expired gets nothing", async () => {
    const code = await facade.client.code("alice");
    facade.app.clock.advance({ seconds: 60 });
    expect(await refusalOf(await facade.client.redeem(code))).toBe("400 invalid_grant");
  });

  it("found the code in a browser's history finds the sign-in finished", async () => {
    const agent = facade.browser();
    const back = await signIn(agent, facade.client.authorizationUrl(), "alice");
    const code = back.searchParams.get("code") ?? "";
    const tokens = await expectUnharmed(code);
    facade.app.clock.advance({ seconds: 3_600 });
    expect(await refusalOf(await facade.client.redeem(code))).toBe("400 invalid_grant");
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(200);
  });
});
