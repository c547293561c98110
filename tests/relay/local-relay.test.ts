import { beforeEach, describe, expect, it } from "vitest";
import type { Change } from "../../shared/features/feature.ts";
import { Connections } from "../../shared/mcp/connections.ts";
import { LocalRelay } from "../../shared/relay/local-relay.ts";
import type { Caller } from "../../shared/sessions/bearer.ts";
import { FakeConnection } from "../support/fake-connection.ts";
import { createSessionParts } from "../support/parts.ts";

const message = { jsonrpc: "2.0" as const, method: "notifications/x" };
const change: Change = { kind: "resource-updated", uri: "settings://me" };

const caller = (userKey: string, sessionId: string): Caller => ({
  session: createSessionParts().session({ id: sessionId, userKey }),
  scopes: ["mcp"],
});

let relay: LocalRelay;
let alice: FakeConnection;
let alsoAlice: FakeConnection;
let bob: FakeConnection;
beforeEach(() => {
  const connections = new Connections();
  alice = new FakeConnection("c1", "alice", "s1");
  alsoAlice = new FakeConnection("c2", "alice", "s2");
  bob = new FakeConnection("c3", "bob", "s3");
  for (const connection of [alice, alsoAlice, bob]) connections.add(connection);
  relay = new LocalRelay({ connections });
});

describe("a message", () => {
  it("reaches its stream, with the scopes of the token that came with it", async () => {
    expect(await relay.deliver("c1", caller("alice", "s1"), message)).toBe("accepted");
    expect(alice.received).toEqual([{ message, scopes: ["mcp"] }]);
    expect(alsoAlice.received).toEqual([]);
  });

  it.each([
    ["is not there", "c9", "alice", "s1"],
    ["was opened by another session of the same person", "c2", "alice", "s1"],
    ["is another person's", "c3", "alice", "s1"],
    ["is another person's, even under the same session id", "c1", "mallory", "s1"],
    ["has no name", "", "alice", "s1"],
  ])("is refused for a stream that %s: a connection id never authenticates", async (...args) => {
    const [, connection, userKey, session] = args;
    expect(await relay.deliver(connection, caller(userKey, session), message)).toBe("unknown");
    expect([alice, alsoAlice, bob].flatMap(({ received }) => received)).toEqual([]);
  });
});

describe("a change", () => {
  it("is told to every stream of the person and to nobody else", async () => {
    await relay.announce("alice", change);
    expect([alice.announced, alsoAlice.announced, bob.announced]).toEqual([[change], [change], []]);
  });

  it("is no fault of the one who made it when one of the streams is just ending", async () => {
    alice.broken = true;
    await relay.announce("alice", change);
    expect(alsoAlice.announced).toEqual([change]);
  });
});
