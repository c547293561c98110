import { beforeEach, describe, expect, it } from "vitest";
import { jsonLog } from "../../shared/log.ts";
import type { Envelope } from "../../shared/relay/envelope.ts";
import { Inbox } from "../../shared/relay/inbox.ts";
import { InboxReader } from "../../shared/relay/inbox-reader.ts";
import { PollPace } from "../../shared/relay/poll-pace.ts";
import { type Key, StorageUnavailable } from "../../shared/storage/store.ts";
import { createSessionParts, type Parts } from "../support/parts.ts";

const ended = (sessionId: string): Envelope => ({ kind: "session-ended", sessionId });

let parts: Parts;
let inbox: Inbox;
let reader: InboxReader;
let received: string[];
let log: string[];
beforeEach(() => {
  parts = createSessionParts();
  inbox = new Inbox(parts);
  log = [];
  reader = new InboxReader({ inbox, log: jsonLog((_, line) => log.push(line)) });
  received = [];
});

const read = () =>
  reader.read("here", async (id, envelope) => {
    received.push(`${id}: ${"sessionId" in envelope ? envelope.sessionId : envelope.kind}`);
  });

const rows = async () => Array.fromAsync(parts.store.list("inbox", "here"));

describe("an inbox", () => {
  it("gives each message once, and is empty then", async () => {
    await inbox.write("here", "m1", ended("a"));
    await inbox.write("there", "m2", ended("b"));
    await read();
    await read();
    expect(received).toEqual(["m1: a"]);
    expect(await rows()).toEqual([]);
  });

  it("takes a message that is written twice as one: its first answer was lost", async () => {
    await inbox.write("here", "m1", ended("a"));
    await inbox.write("here", "m1", ended("a"));
    await read();
    expect(received).toEqual(["m1: a"]);
  });

  it("is read in the order in which storage took the messages, whatever the clocks of the senders", async () => {
    await inbox.write("here", "m1", ended("first"));
    parts.clock.advance({ seconds: -60 });
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
    await inbox.write("here", "m2", ended("second"));
    await read();
    expect(received).toEqual(["m1: first", "m2: second"]);
  });

  it("loses nothing where the answer to a claim is lost, and gives nothing twice", async () => {
    await inbox.write("here", "m1", ended("a"));
    loseTheAnswerOf("delete");
    await expect(read()).rejects.toThrow(StorageUnavailable);
    expect(received).toEqual([]);
    expect(await rows()).toEqual([]);
    await read();
    await read();
    expect(received).toEqual(["m1: a"]);
  });

  it("the same where several are claimed together", async () => {
    for (const n of [1, 2, 3]) await inbox.write("here", `m${n}`, ended(`s${n}`));
    loseTheAnswerOf("deleteAll");
    await expect(read()).rejects.toThrow(StorageUnavailable);
    await inbox.write("here", "m4", ended("s4"));
    await read();
    expect(received.toSorted()).toEqual(["m1: s1", "m2: s2", "m3: s3", "m4: s4"]);
  });

  it("keeps no message from the others because one cannot be read", async () => {
    await parts.store.insert(
      "inbox",
      { partition: "here", row: "000~bad" },
      {
        parts: 1,
        part0: "x.y.z",
        connection: "",
        before: 0,
      },
    );
    await inbox.write("here", "m1", ended("a"));
    await read();
    expect(received).toEqual(["m1: a"]);
    expect(log).toHaveLength(1);
    expect(await rows()).toEqual([]);
  });

  it("opens nothing that was moved from the inbox of another instance", async () => {
    await inbox.write("there", "m1", ended("a"));
    const [row] = await Array.fromAsync(parts.store.list("inbox", "there"));
    if (row === undefined) throw new Error("nothing there");
    await parts.store.insert("inbox", { partition: "here", row: row.key.row }, row.value);
    await read();
    expect(received).toEqual([]);
  });
});

/** Carries it out, and loses its answer: once. */
function loseTheAnswerOf(operation: "delete" | "deleteAll"): void {
  const { store } = parts;
  const carryOut = {
    delete: store.delete.bind(store),
    deleteAll: store.deleteAll.bind(store),
  };
  const restore = () => Object.assign(store, carryOut);
  Object.assign(store, {
    async delete(table: "inbox", key: Key) {
      await carryOut.delete(table, key);
      if (operation !== "delete") return true;
      restore();
      throw new StorageUnavailable("the answer was lost");
    },
    async deleteAll(table: "inbox", keys: readonly Key[]) {
      await carryOut.deleteAll(table, keys);
      restore();
      throw new StorageUnavailable("the answer was lost");
    },
  });
}

describe("the pace of looking", () => {
  it("is eager after a relayed message, brisk while people are at work, slow else", () => {
    const pace = new PollPace();
    expect(pace.interval(0, false)).toBe(1_000);
    pace.traffic(0);
    expect(pace.interval(299_999, false)).toBe(100);
    expect(pace.interval(300_000, false)).toBe(1_000);
    pace.relayed(400_000);
    expect(pace.interval(401_999, false)).toBe(25);
    expect(pace.interval(402_000, false)).toBe(100);
  });

  it("is slow beside a fast path, but for a minute after a message came through the inbox", () => {
    const pace = new PollPace();
    pace.relayed(0);
    expect(pace.interval(0, true)).toBe(1_000);
    pace.inboxUsed(1_000);
    expect(pace.interval(1_999, true)).toBe(25);
    expect(pace.interval(60_999, true)).toBe(100);
    expect(pace.interval(61_000, true)).toBe(1_000);
  });
});
