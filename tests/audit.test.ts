import { describe, expect, it } from "vitest";
import type { AuditEvent } from "../shared/log.ts";
import { AccountBrowser } from "./support/account-browser.ts";
import { useFacade } from "./support/facade.ts";
import { ModernWire } from "./support/modern-wire.ts";
import { EventStream } from "./support/open-stream.ts";
import { SessionWire } from "./support/session-wire.ts";
import { parseForm } from "./support/user-agent.ts";

/** What the audit says of one act. */
type Line = Readonly<Record<string, unknown>>;

interface Act {
  readonly act: string;
  readonly does: () => Promise<unknown>;
  /** Besides the event: what the one line of it has, and nothing else has to. */
  readonly line: Line;
}

/** Of live data, which has tests of its own: tests/live/. */
type LiveEvent = "published" | "notified";

const facade = useFacade();
const ID = /^[\w-]{22}$/;
const USER_KEY = /^[\w-]{43}$/;
const by = { actor: expect.stringMatching(USER_KEY) as string };
const session = { session: expect.stringMatching(ID) as string };
const client = { client: expect.stringMatching(/^[\w-]{22,44}$/) as string };
const success = { outcome: "success" };
const denied = { outcome: "denied" };

async function answerConsent(decision: "approve" | "deny"): Promise<void> {
  const agent = facade.browser();
  const page = await agent.get(facade.client.authorizationUrl());
  const { action, fields } = parseForm(await page.text());
  await agent.post(new URL(action, facade.app.baseUrl), { ...fields, decision });
}

async function replayCode(): Promise<void> {
  const code = await facade.client.code();
  await facade.client.redeem(code);
  facade.app.clock.advance({ seconds: 1 });
  await facade.client.redeem(code);
}

async function reuseRefreshToken(): Promise<void> {
  const { refresh_token: token } = await facade.client.tokens();
  await facade.client.refresh(token);
  facade.app.clock.advance({ seconds: 61 });
  await facade.client.refresh(token);
}

async function revoke({ id } = facade.client): Promise<void> {
  const { refresh_token: token } = await facade.client.tokens();
  await facade.client.postForm("/revoke", { client_id: id, token });
}

async function mcpToken(): Promise<string> {
  const resource = `${facade.app.baseUrl}/mcp`;
  return (await facade.client.tokens("alice", { resource })).access_token;
}

async function callTool(name: string, scope = "mcp user.read"): Promise<void> {
  const { access_token: token } = await facade.client.tokens("alice", { scope });
  await (await EventStream.open(facade.app, token)).callTool(name);
}

/** Every event, with each of its outcomes: the compiler sees to it that none is left out. */
const ACTS: Readonly<Record<Exclude<AuditEvent, LiveEvent>, readonly Act[]>> = {
  "client-registered": [
    { act: "registering", does: () => facade.stranger(), line: { ...success, ...client } },
  ],
  "client-refused": [
    {
      act: "a secret of a client that has none",
      does: () => facade.client.redeem("x", { client_secret: "x" }),
      line: { ...denied, ...client, reason: "not-as-registered" },
    },
  ],
  consent: [
    { act: "yes", does: () => answerConsent("approve"), line: { ...success, ...client } },
    { act: "no", does: () => answerConsent("deny"), line: { ...denied, ...client } },
  ],
  "sign-in": [
    {
      act: "coming back from Entra",
      does: () => facade.client.code(),
      line: { ...success, ...by, ...session, ...client },
    },
    {
      act: "coming back disabled",
      does: async () => {
        facade.entra.set({ policyBlocked: ["alice"] });
        await facade.client.code().catch(() => undefined);
      },
      line: { ...denied, ...client, reason: "AADSTS53003" },
    },
  ],
  "token-issued": [
    {
      act: "redeeming a code",
      does: () => facade.client.tokens(),
      line: { ...success, ...by, ...session, ...client },
    },
  ],
  "token-refreshed": [
    {
      act: "a refresh",
      does: async () => facade.client.refresh((await facade.client.tokens()).refresh_token),
      line: { ...success, ...by, ...session, ...client },
    },
  ],
  "code-replayed": [
    {
      act: "a code used twice",
      does: replayCode,
      line: { ...denied, ...by, ...session, ...client },
    },
  ],
  "refresh-token-reused": [
    {
      act: "an old refresh token",
      does: reuseRefreshToken,
      line: { ...denied, ...by, ...session, ...client, generation: 1 },
    },
  ],
  "token-revoked": [
    {
      act: "giving a token back",
      does: () => revoke(),
      line: { ...success, ...by, ...session, ...client },
    },
    {
      act: "giving back a stranger's token",
      does: async () => revoke(await facade.stranger()),
      line: { ...denied, ...by, ...session, ...client },
    },
  ],
  "session-ended": [
    {
      act: "a revocation",
      does: () => revoke(),
      line: { ...success, ...by, ...session, reason: "revoked" },
    },
    {
      act: "a replay",
      does: replayCode,
      line: { ...success, ...by, ...session, reason: "code-replayed" },
    },
    {
      act: "reuse",
      does: reuseRefreshToken,
      line: { ...success, ...by, ...session, reason: "refresh-token-reused" },
    },
    {
      act: "the account page",
      does: async () => {
        await facade.client.tokens("alice");
        await (await new AccountBrowser(facade.app).signIn("alice")).press("end-all");
      },
      line: { ...success, ...by, ...session, reason: "account-page" },
    },
    {
      act: "Entra",
      does: async () => {
        const { refresh_token: token } = await facade.client.tokens();
        facade.entra.set({ userDisabled: ["alice"] });
        await facade.client.refresh(token);
      },
      line: { ...success, ...by, ...session, reason: "entra" },
    },
  ],
  "account-sign-in": [
    {
      act: "signing in to the account page",
      does: () => new AccountBrowser(facade.app).signIn("alice"),
      line: { ...success, ...by },
    },
    {
      act: "not being let in there",
      does: async () => {
        const browser = new AccountBrowser(facade.app);
        const callback = await browser.callback("alice");
        facade.entra.set({ policyBlocked: ["alice"] });
        await browser.agent.get(callback);
      },
      line: { ...denied, reason: "AADSTS53003" },
    },
  ],
  "key-rotated": [
    {
      act: "upkeep after a month",
      does: async () => {
        await facade.client.tokens();
        facade.app.clock.advance({ seconds: 30 * 86_400 });
        await facade.app.app.maintain(facade.app.recording);
      },
      line: { ...success, key: expect.stringMatching(/^signing/) as string, change: "made" },
    },
  ],
  "stream-opened": [
    {
      act: "opening a stream",
      does: async () => {
        const { access_token: token } = await facade.client.tokens();
        return EventStream.open(facade.app, token);
      },
      line: { ...success, ...by, ...session, ...client },
    },
    {
      act: "subscribing on /mcp",
      does: async () => {
        const token = await mcpToken();
        const notifications = { promptsListChanged: true };
        return new ModernWire(facade.app, token).send("subscriptions/listen", { notifications });
      },
      line: { ...success, ...by, ...session, ...client },
    },
    {
      act: "opening the stream of an MCP session",
      does: async () => {
        const wire = new SessionWire(facade.app, await mcpToken());
        await wire.initialize();
        return wire.get();
      },
      line: { ...success, ...by, ...session, ...client },
    },
  ],
  "step-up": [
    {
      act: "a request to /mcp beyond the scope",
      does: async () => {
        const params = { name: "listEvents", arguments: {} };
        await new ModernWire(facade.app, await mcpToken()).send("tools/call", params);
      },
      line: { ...denied, ...by, ...session, ...client },
    },
  ],
  "tool-called": [
    {
      act: "a call",
      does: () => callTool("getUserDetails"),
      line: { ...success, ...by, ...session, ...client, tool: "getUserDetails" },
    },
    {
      act: "a call beyond the scope",
      does: () => callTool("listEvents"),
      line: { ...denied, ...by, ...session, ...client, tool: "listEvents" },
    },
    {
      act: "a call that fails",
      does: async () => {
        facade.entra.set({ serverError: ["graph"] });
        await callTool("getUserDetails");
      },
      line: { outcome: "failure", ...by, ...session, ...client, tool: "getUserDetails" },
    },
  ],
};

describe.each(Object.entries(ACTS))("the audit event %s", (event, acts) => {
  it.each(acts)(
    "is one line for $act, with who, which session and client, and how it ended",
    async ({ does, line }) => {
      const before = facade.app.log.length;
      await does();
      const lines = facade.app.log.slice(before).map((text) => JSON.parse(text) as Line);
      const audited = lines.filter(({ audit }) => audit === event);
      expect(audited).toEqual([expect.objectContaining({ audit: event, ...line })]);
    },
  );
});
