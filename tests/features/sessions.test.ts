import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { ACCOUNTS } from "../../tools/entra/directory.ts";
import { EventStream, type ToolAnswer } from "../support/open-stream.ts";
import { useFacade } from "../support/facade.ts";
import type { Account } from "../support/sign-in.ts";

const facade = useFacade();

interface Listed {
  readonly sessionId: string;
  readonly clientName: string;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly scopes: readonly string[];
  readonly current: boolean;
}

const connect = async (account: Account = "alice") => {
  const tokens = await facade.client.tokens(account);
  const stream = await EventStream.open(facade.app, tokens.access_token);
  const { sub: userKey = "", sid } = decodeJwt(tokens.access_token);
  return { tokens, stream, userKey, sid: String(sid) };
};

const list = async (stream: EventStream, user?: string): Promise<readonly Listed[]> => {
  const answer = await stream.callTool("listSessions", user === undefined ? {} : { user });
  expect(answer.isError, textOf(answer)).toBeFalsy();
  return (answer.structuredContent as { sessions: Listed[] }).sessions;
};

const end = (stream: EventStream, sessionId: string) =>
  stream.callTool("revokeSession", { sessionId });

const textOf = ({ content }: ToolAnswer) => content.map(({ text }) => text).join("");

describe("listSessions", () => {
  it("lists the person's own sessions, and says which one the call is made in", async () => {
    await connect();
    facade.app.clock.advance({ seconds: 60 });
    const { stream } = await connect();
    const [current, earlier, ...more] = await list(stream);
    expect(more).toEqual([]);
    const now = new Date(facade.app.clock.now());
    expect(current).toMatchObject({
      clientName: "Test client",
      createdAt: now.toISOString(),
      scopes: ["mcp", "user.read", "calendar.read"],
      current: true,
    });
    expect(earlier).toMatchObject({
      createdAt: new Date(now.getTime() - 60_000).toISOString(),
      current: false,
    });
  });

  it("gives the last token refresh as last use", async () => {
    const { tokens, stream } = await connect();
    facade.app.clock.advance({ seconds: 600 });
    await facade.client.refresh(tokens.refresh_token);
    const [session] = await list(stream);
    expect(session?.lastUsedAt).toBe(new Date(facade.app.clock.now()).toISOString());
    expect(session?.createdAt).not.toBe(session?.lastUsedAt);
  });

  it("shows nobody else's sessions", async () => {
    await connect("bob");
    const { stream } = await connect("alice");
    expect(await list(stream)).toHaveLength(1);
  });

  it("leaves out sessions that have run out", async () => {
    await connect();
    facade.app.clock.advance({ seconds: 31 * 86_400 });
    const { stream } = await connect();
    expect(await list(stream)).toHaveLength(1);
  });

  it("cleans what an app says about its name", async () => {
    await facade.client.register({ client_name: "Trusted\u202E\u0007 app" });
    const { stream } = await connect();
    expect((await list(stream))[0]?.clientName).toBe("Trusted app");
  });

  it("lists another person's for Mcp.Admin, by user key or by tenant and object id", async () => {
    const bob = await connect("bob");
    const { stream } = await connect("admin");
    const byKey = await list(stream, bob.userKey);
    expect(byKey).toMatchObject([{ clientName: "Test client", current: false }]);
    const { tenant, profile } = ACCOUNTS.bob;
    expect(await list(stream, `${tenant.id}/${profile.id}`)).toEqual(byKey);
  });

  it("is a tool error for another person's without Mcp.Admin, and no HTTP error", async () => {
    const bob = await connect("bob");
    const { stream } = await connect("alice");
    const answer = await stream.callTool("listSessions", { user: bob.userKey });
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toContain("Mcp.Admin");
    expect(facade.app.log.join("\n")).toContain('"audit":"tool-called","outcome":"denied"');
  });

  it("accepts the person's own user key without a role", async () => {
    const { stream, userKey } = await connect("alice");
    expect(await list(stream, userKey)).toHaveLength(1);
  });

  it("refuses a user that is neither", async () => {
    const { stream } = await connect("admin");
    expect((await stream.callTool("listSessions", { user: "bob" })).isError).toBe(true);
  });
});

describe("revokeSession", () => {
  it("ends another session of the person, and closes its streams", async () => {
    const other = await connect();
    const { stream } = await connect();
    const listed = (await list(stream)).find(({ current }) => !current);
    const answer = await end(stream, listed?.sessionId ?? "");
    expect(answer.structuredContent).toEqual({ ended: true, current: false });
    expect(await other.stream.rest()).toEqual([]);
    expect(await list(stream)).toHaveLength(1);
    expect((await facade.client.refresh(other.tokens.refresh_token)).status).toBe(400);
  });

  it("answers before it closes the stream of its own session", async () => {
    const { stream, tokens } = await connect();
    const second = await EventStream.open(facade.app, tokens.access_token);
    const [own] = await list(stream);
    const answer = await end(stream, own?.sessionId ?? "");
    expect(answer.structuredContent).toEqual({ ended: true, current: true });
    expect(await stream.rest()).toEqual([]);
    expect(await second.rest()).toEqual([]);
    expect(await facade.sseStatus(tokens.access_token)).toBe(401);
  });

  it("does not end another person's session without Mcp.Admin", async () => {
    const bob = await connect("bob");
    const { stream } = await connect("alice");
    const answer = await end(stream, `${bob.userKey}.${bob.sid}`);
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toContain("Mcp.Admin");
    expect((await bob.stream.callTool("getUserDetails")).isError).toBeFalsy();
  });

  it("touches nothing of another person's under the caller's own user key", async () => {
    const bob = await connect("bob");
    const { stream, userKey } = await connect("alice");
    const answer = await end(stream, `${userKey}.${bob.sid}`);
    expect(answer.isError).toBe(true);
    // From the vault: Bob's Entra tokens are still there.
    expect((await bob.stream.callTool("getUserDetails")).isError).toBeFalsy();
  });

  it("ends another person's session for Mcp.Admin, by its listed id alone", async () => {
    const bob = await connect("bob");
    const admin = await connect("admin");
    const [listed] = await list(admin.stream, bob.userKey);
    const answer = await end(admin.stream, listed?.sessionId ?? "");
    expect(answer.structuredContent).toEqual({ ended: true, current: false });
    expect(await bob.stream.rest()).toEqual([]);
    const event = facade.app.log
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .find(({ audit }) => audit === "session-ended");
    expect(event).toMatchObject({
      actor: admin.userKey,
      owner: bob.userKey,
      session: bob.sid,
      reason: "tool",
    });
  });

  it.each(["", "nonsense", "a/b#?", `${"a".repeat(43)}.${"b".repeat(23)}`])(
    "says that there is no session %j",
    async (sessionId) => {
      const { stream } = await connect();
      const answer = await end(stream, sessionId);
      expect(answer.isError).toBe(true);
      expect(textOf(answer)).toContain("no such session");
    },
  );

  it("says so when the session has ended already", async () => {
    const other = await connect();
    const { stream } = await connect();
    const id = `${other.userKey}.${other.sid}`;
    expect((await end(stream, id)).isError).toBeFalsy();
    expect(textOf(await end(stream, id))).toContain("may have ended already");
  });
});
