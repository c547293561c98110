import { beforeEach, describe, expect, it, vi } from "vitest";
import { jsonLog } from "../../shared/log.ts";
import type { Envelope } from "../../shared/relay/envelope.ts";
import { Inbox } from "../../shared/relay/inbox.ts";
import { InboxReader } from "../../shared/relay/inbox-reader.ts";
import { PollPace } from "../../shared/relay/poll-pace.ts";
import { StorageUnavailable, type Store } from "../../shared/storage/store.ts";
import { createSessionParts, type Parts } from "../support/parts.ts";

const ended = (sessionId: string): Envelope => ({ kind: "session-ended", sessionId });

let parts: Parts;
let inbox: Inbox;
let reader: InboxReader;
let received: string[];
let log: string[];
beforeEach(() => {
  parts = createSessionParts();
  log = [];
  inbox = new Inbox({ ...parts, log: jsonLog((_, line) => log.push(line)) });
  reader = new InboxReader({ inbox });
  received = [];
});

const read = (instance = "here") =>
  reader.read(instance, async (id, envelope) => {
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

  it("lets nobody take over what is written again: its instance may have run it before it went", async () => {
    await inbox.write("there", "m0", ended("its key is made"));
    const insert = parts.store.insert.bind(parts.store);
    vi.spyOn(parts.store, "insert").mockImplementationOnce(async (...row) => {
      await insert(...row);
      await read();
      throw new StorageUnavailable("nobody answered");
    });
    await inbox.write("here", "m1", ended("a"));
    expect(received).toEqual(["m1: a"]);
    const again = await inbox.waiting("here");
    expect(again.map(({ id, takeOver }) => [id, takeOver])).toEqual([["m1", "forbidden"]]);
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

  it("reads a large message again where an outage came in between, and leaves nothing of it", async () => {
    const uri = "x".repeat(900_000);
    const news: Envelope = { kind: "feed", uri, isNew: false };
    await inbox.write("here", "m1", news);
    vi.spyOn(parts.sealer, "open").mockImplementationOnce(() => {
      throw new StorageUnavailable("the keys could not be read");
    });
    await expect(read()).rejects.toThrow(StorageUnavailable);
    await read();
    expect(received).toEqual(["m1: feed"]);
    expect(await Array.fromAsync(parts.store.list("inbox", "here~parts"))).toEqual([]);
  });

  it("claims nothing under another id that it could not under the one before: the lease is lost", async () => {
    await inbox.write("here", "m1", ended("a"));
    loseTheAnswerOf("delete");
    await expect(read()).rejects.toThrow(StorageUnavailable);
    await inbox.write("here again", "m2", ended("b"));
    const claimed = vi.spyOn(parts.store, "delete").mockClear();
    await read("here again");
    expect(received).toEqual(["m2: b"]);
    expect(claimed.mock.calls.map(([, { partition }]) => partition)).toEqual(["here again"]);
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
function loseTheAnswerOf(operation: "replace" | "delete" | "deleteAll"): void {
  const { store } = parts;
  const carryOut: Store[typeof operation] = store[operation].bind(store);
  vi.spyOn(store, operation).mockImplementationOnce(async (...operands: unknown[]) => {
    await Reflect.apply(carryOut, store, operands);
    throw new StorageUnavailable("the answer was lost");
  });
}

/** What waits for an instance that is gone. */
async function only() {
  const [message] = await inbox.waiting("gone");
  if (message === undefined) throw new Error("nothing waits");
  return message;
}

describe("the inbox of an instance that is gone", () => {
  it("gives a message to one of those who claim it", async () => {
    await inbox.write("gone", "m1", ended("a"));
    const message = await only();
    const claims = ["one", "two", "three"].map((by) => inbox.claim(message, by));
    expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
    await inbox.remove(message);
    expect(await inbox.waiting("gone")).toEqual([]);
  });

  it("gives it to the one who claims it again, where the answer to a claim is lost", async () => {
    await inbox.write("gone", "m1", ended("a"));
    const message = await only();
    loseTheAnswerOf("replace");
    await expect(inbox.claim(message, "one")).rejects.toThrow(StorageUnavailable);
    expect(await inbox.claim(message, "two")).toBe(false);
    expect(await inbox.claim(await only(), "two")).toBe(false);
    expect(await inbox.claim(message, "one")).toBe(true);
  });
});

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

  it("is slow beside a fast path, but for a minute after a message came through the inbox and while clients say their first words", () => {
    const pace = new PollPace();
    pace.relayed(0);
    expect(pace.interval(0, true)).toBe(1_000);
    pace.inboxUsed(1_000);
    expect(pace.interval(1_999, true)).toBe(25);
    expect(pace.interval(60_999, true)).toBe(100);
    expect(pace.interval(61_000, true)).toBe(1_000);
    pace.opened(70_000);
    expect(pace.interval(71_999, true)).toBe(100);
    expect(pace.interval(72_000, true)).toBe(1_000);
  });
});
