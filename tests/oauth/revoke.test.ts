import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { jsonOf } from "../support/answers.ts";
import { EventStream } from "../support/open-stream.ts";
import { useFacade } from "../support/facade.ts";

const facade = useFacade();

const revoke = (token: string, clientId = facade.client.id) =>
  facade.client.postForm("/revoke", { token, client_id: clientId });

const events = () => facade.app.log.map((line) => JSON.parse(line) as Record<string, unknown>);

describe("the revocation endpoint", () => {
  it("closes the streams of the session", async () => {
    const tokens = await facade.client.tokens();
    const stream = await EventStream.open(facade.app, tokens.access_token);
    await revoke(tokens.refresh_token);
    expect(await stream.rest()).toEqual([]);
  });

  it("ends the session with a refresh token of any generation", async () => {
    const first = await facade.client.tokens();
    const second = await jsonOf(await facade.client.refresh(first.refresh_token));
    const third = await jsonOf(await facade.client.refresh(String(second["refresh_token"])));
    expect((await revoke(first.refresh_token)).status).toBe(200);
    expect(await facade.sseStatus(String(third["access_token"]))).toBe(401);
  });

  it("ends one session and leaves the person's others", async () => {
    const one = await facade.client.tokens();
    const other = await facade.client.tokens();
    await revoke(one.access_token);
    expect(await facade.sseStatus(other.access_token)).toBe(200);
  });

  it.each(["", "/sse"])("takes an access token for the resource %j", async (path) => {
    const resource = `${facade.app.baseUrl}${path}`;
    const tokens = await facade.client.tokens("alice", { resource });
    await revoke(tokens.access_token);
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(400);
  });

  it("does nothing for an access token that has expired, and answers 200 (RFC 7009 §2.2)", async () => {
    const tokens = await facade.client.tokens();
    facade.app.clock.advance({ seconds: 3_601 });
    expect((await revoke(tokens.access_token)).status).toBe(200);
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it("audits who gave back what, and nothing for a token that is unknown", async () => {
    const { access_token: token, refresh_token: refreshToken } = await facade.client.tokens();
    await revoke("unknown");
    await revoke(refreshToken);
    await revoke(refreshToken);
    const { sub, sid } = decodeJwt(token);
    const subject = { outcome: "success", actor: sub, session: sid };
    expect(events().filter(({ audit }) => audit === "token-revoked")).toMatchObject([
      { ...subject, client: facade.client.id },
    ]);
    expect(events().filter(({ audit }) => audit === "session-ended")).toMatchObject([
      { ...subject, reason: "revoked" },
    ]);
  });

  it("audits a client that brings another's token", async () => {
    const { refresh_token: token } = await facade.client.tokens();
    const stranger = await facade.stranger();
    await revoke(token, stranger.id);
    const audited = { audit: "token-revoked", outcome: "denied", client: stranger.id };
    expect(events()).toContainEqual(expect.objectContaining(audited));
  });
});
