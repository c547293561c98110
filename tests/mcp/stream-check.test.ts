import { beforeEach, describe, expect, it } from "vitest";
import { Connections } from "../../shared/mcp/connections.ts";
import { StreamCheck } from "../../shared/mcp/stream-check.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { FakeConnection } from "../support/fake-connection.ts";
import { createSessionParts, DAY_SECONDS, IDENTITY, type Parts } from "../support/parts.ts";
import { recordedLog } from "../support/recorded-log.ts";

/** How many rounds make five minutes. */
const ROUNDS = 15;

let parts: Parts;
let connections: Connections;
let check: StreamCheck;
/** The sessions that were read. */
let read: string[];
/** What happens when one is read. */
let whenRead: () => void;

beforeEach(() => {
  parts = createSessionParts();
  connections = new Connections();
  read = [];
  whenRead = () => undefined;
  check = new StreamCheck({
    connections,
    clock: parts.clock,
    bearer: parts.bearer,
    log: recordedLog().log,
    sessions: {
      find: (userKey, sessionId) => {
        read.push(sessionId);
        whenRead();
        return parts.sessions.find(userKey, sessionId);
      },
    },
  });
});

/** A session with a stream. */
async function stream(): Promise<FakeConnection> {
  const session = parts.session();
  await parts.sessions.create(session, IDENTITY, "tokens");
  const connection = new FakeConnection(`stream of ${session.id}`, session.userKey, session.id);
  connections.add(connection);
  return connection;
}

const end = ({ userKey, sessionId }: FakeConnection) => parts.sessions.end(userKey, sessionId);

/** @returns The sessions that were read. */
async function rounds(count: number): Promise<string[]> {
  read = [];
  for (let n = 0; n < count; n++) await check.run();
  return read;
}

describe("a round", () => {
  it("reads a session that is new here: it may have ended while its stream was opened", async () => {
    const { sessionId } = await stream();
    expect(await rounds(1)).toEqual([sessionId]);
  });

  it("reads those that give no cause in turns: each once in five minutes", async () => {
    const streams = [];
    for (let n = 0; n < 60; n++) streams.push(await stream());
    await rounds(1);
    const sessions = streams.map(({ sessionId }) => sessionId).toSorted();
    expect((await rounds(ROUNDS)).toSorted()).toEqual(sessions);
    const counts = [];
    for (let n = 0; n < ROUNDS; n++) counts.push((await rounds(1)).length);
    expect(Math.max(...counts)).toBeLessThan(streams.length / 3);
  });

  it("reads a session whose time is over, and closes its streams", async () => {
    const connection = await stream();
    await rounds(2 * ROUNDS);
    parts.clock.advance({ seconds: 31 * DAY_SECONDS });
    await rounds(1);
    expect(connection.closed).toBe(1);
  });

  it("reads all of them after one that storage was away for", async () => {
    const streams = [await stream(), await stream(), await stream()];
    await rounds(1);
    for (const { sessionId } of streams) check.doubt(sessionId);
    parts.store.down = true;
    await rounds(1);
    parts.store.down = false;
    expect(await rounds(1)).toHaveLength(3);
    expect(streams.map(({ closed }) => closed)).toEqual([0, 0, 0]);
  });
});

describe("a session that is doubted", () => {
  it("is read in the next round, and its streams are closed where it has ended", async () => {
    const connection = await stream();
    await rounds(1);
    check.doubt(connection.sessionId);
    await end(connection);
    await rounds(1);
    expect(connection.closed).toBe(1);
  });

  it("is read once more, for its end may come after the first", async () => {
    const connection = await stream();
    await rounds(1);
    check.doubt(connection.sessionId);
    await rounds(1);
    await end(connection);
    await rounds(1);
    expect(connection.closed).toBe(1);
  });

  it("is doubted no more when it has lived through that", async () => {
    const { sessionId } = await stream();
    await rounds(1);
    check.doubt(sessionId);
    await rounds(2);
    expect(await rounds(ROUNDS)).toEqual([sessionId]);
  });

  it("stays doubted through an outage", async () => {
    const connection = await stream();
    await rounds(1);
    check.doubt(connection.sessionId);
    whenRead = () => {
      throw new StorageUnavailable("away");
    };
    await rounds(5);
    whenRead = () => undefined;
    await rounds(1);
    await end(connection);
    await rounds(1);
    expect(connection.closed).toBe(1);
  });
});
