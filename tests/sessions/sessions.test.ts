import { beforeEach, describe, expect, it } from "vitest";
import { type Session, toSession } from "../../shared/sessions/sessions.ts";
import { createSessionParts, DAY_SECONDS, IDENTITY, type Parts } from "../support/parts.ts";

let parts: Parts;
let session: Session;
beforeEach(async () => {
  parts = createSessionParts();
  session = parts.session({ roles: ["Mcp.Admin"] });
  await parts.sessions.create(session, IDENTITY, "token cache");
});

describe("a session", () => {
  it("is found by person and id, as it was created", async () => {
    const row = await parts.sessions.find(session.userKey, session.id);
    expect(row && toSession(row)).toEqual(session);
  });

  it("has no refresh token yet", async () => {
    const row = await parts.sessions.find(session.userKey, session.id);
    expect(row?.value).toMatchObject({ generation: 0, refreshHash: "" });
  });

  it("remembers who signed in, for whoever has to end it in Entra's name", async () => {
    const row = await parts.sessions.find(session.userKey, session.id);
    expect(row?.value).toMatchObject({
      tenantId: IDENTITY.tenantId,
      objectId: IDENTITY.objectId,
    });
  });

  it("is not found under another person", async () => {
    expect(await parts.sessions.find("somebody-else", session.id)).toBeUndefined();
  });

  it("is one, however often the write that creates it is sent", async () => {
    await parts.sessions.create(session, IDENTITY, "token cache");
    expect(await parts.sessions.list(session.userKey)).toHaveLength(1);
  });

  it("is over when it was idle for too long", async () => {
    parts.clock.advance({ seconds: 30 * DAY_SECONDS - 0.001 });
    expect(await parts.sessions.find(session.userKey, session.id)).toBeDefined();
    parts.clock.advance({ seconds: 0.001 });
    expect(await parts.sessions.find(session.userKey, session.id)).toBeUndefined();
  });

  it("is over at its end, however busy it was", async () => {
    const short = parts.session({ endsAt: parts.clock.now() + 1_000 });
    await parts.sessions.create(short, IDENTITY, "token cache");
    parts.clock.advance({ seconds: 1 });
    expect(await parts.sessions.find(short.userKey, short.id)).toBeUndefined();
  });

  it("takes its Entra tokens with it when it is ended; ending it twice is fine", async () => {
    await parts.vault.write(session.id, "cache");
    await parts.sessions.end(session.userKey, session.id);
    expect(await parts.sessions.find(session.userKey, session.id)).toBeUndefined();
    expect(await parts.vault.read(session.id)).toBeUndefined();
    await parts.sessions.end(session.userKey, session.id);
  });

  it("leaves the person's other sessions alone when it is ended", async () => {
    const other = parts.session({ userKey: session.userKey });
    await parts.sessions.create(other, IDENTITY, "token cache");
    await parts.sessions.end(session.userKey, session.id);
    expect(await parts.sessions.find(other.userKey, other.id)).toBeDefined();
  });
});
