import { setImmediate } from "node:timers/promises";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { jsonLog } from "../../../shared/log.ts";
import { Exchange, type ExchangeOptions } from "../../../shared/mcp/streamable/exchange.ts";
import { KeptStream } from "../../../shared/mcp/streamable/kept-stream.ts";
import { WaitingAnswers } from "../../../shared/mcp/waiting-answers.ts";
import { Expiries } from "../../../shared/storage/expiries.ts";
import { createSessionParts } from "../../support/parts.ts";
import { createContext } from "../../support/request-context.ts";
import { readAnswer } from "../../support/session-wire.ts";

const MIB = 1024 * 1024;

let waitingAnswers: WaitingAnswers;
let kept: KeptStream;
let client: ReturnType<typeof createContext>;
let answered: number;
beforeEach(() => {
  const parts = createSessionParts();
  waitingAnswers = new WaitingAnswers(parts);
  const expiries = new Expiries(parts);
  const log = jsonLog(() => undefined);
  kept = new KeptStream({ ...parts, waitingAnswers, expiries, log }, "stream");
  client = createContext();
  answered = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

function exchange(
  ids: readonly RequestId[] = [1],
  options: Partial<ExchangeOptions> = {},
): Exchange {
  return new Exchange({
    ids,
    batch: ids.length > 1,
    primed: true,
    resumable: () => ({ name: "stream", eventId: (sequence) => `e${sequence}`, kept }),
    client: client.context,
    onAnswered: () => {
      answered += 1;
    },
    ...options,
  });
}

const answer = (id: RequestId): JSONRPCMessage => ({ jsonrpc: "2.0", id, result: { of: id } });
const word = (text: string): JSONRPCMessage => ({
  jsonrpc: "2.0",
  method: "notifications/message",
  params: { level: "info", data: text },
});

/** The numbers of the events that were written down. */
async function written(): Promise<number[]> {
  await kept.written;
  const numbers = [];
  for await (const { sequence } of waitingAnswers.read("stream", -1)) numbers.push(sequence);
  return numbers;
}

describe("an exchange", () => {
  it("is JSON where its answer is all that is said", async () => {
    const post = exchange();
    post.send(answer(1));
    const { messages, ids } = await readAnswer(await post.response);
    expect([messages, ids, answered]).toEqual([[answer(1)], [], 1]);
  });

  it("is one body for a batch, in the order of the answers", async () => {
    const post = exchange([1, 2]);
    post.send(answer(2));
    expect(answered).toBe(0);
    post.send(answer(1));
    expect((await readAnswer(await post.response)).messages).toEqual([answer(2), answer(1)]);
  });

  it("is a stream from the first other word on, and loses no answer that came before", async () => {
    const post = exchange([1, 2], { resumable: undefined });
    post.send(answer(2));
    post.send(word("hi"));
    post.send(answer(1));
    const { messages, ids } = await readAnswer(await post.response);
    expect(messages).toEqual([answer(2), word("hi"), answer(1)]);
    expect(ids).toEqual([]);
  });

  it("is a stream after a second, and fails what will not be answered", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const post = exchange();
    vi.advanceTimersByTime(1_000);
    vi.useRealTimers();
    post.fail("Because.");
    const { messages, ids } = await readAnswer(await post.response);
    expect(messages).toMatchObject([{ id: 1, error: { message: "Because." } }]);
    expect(ids).toEqual(["e0", "e1"]);
  });

  it("does not wait for a request that was cancelled", async () => {
    const post = exchange([1, 2]);
    post.cancelled(1);
    post.send(answer(2));
    expect((await readAnswer(await post.response)).messages).toMatchObject([
      { id: 1, error: {} },
      answer(2),
    ]);
  });
});

describe("a stream whose client has gone", () => {
  it("is written down, what there was and what follows", async () => {
    const post = exchange();
    post.send(word("one"));
    await post.response;
    expect(await written()).toEqual([]);
    client.disconnect();
    post.send(word("two"));
    post.send(answer(1));
    expect(await written()).toEqual([1, 2, 3]);
  });

  it("is not, where nobody can come back for it", async () => {
    client.disconnect();
    const early = exchange();
    early.send(word("one"));
    early.send(answer(1));
    const batch = exchange([1], { resumable: undefined });
    batch.send(word("one"));
    batch.send(answer(1));
    expect(await written()).toEqual([]);
  });

  it("is written down also where the client only reads too slowly", async () => {
    let backlog = 0;
    const post = exchange([1], { client: { ...client.context, backlog: () => backlog } });
    post.send(word("one"));
    await post.response;
    backlog = 2 * MIB;
    post.send(word("two"));
    post.send(answer(1));
    expect(await written()).toEqual([1, 2, 3]);
  });

  it("is remembered up to a mebibyte before its last event: the youngest of it", async () => {
    const post = exchange();
    const reading = post.response.then(readAnswer);
    for (let n = 0; n < 12; n++) {
      post.send(word("x".repeat(MIB / 8)));
      // Its client reads as fast as it comes.
      await setImmediate();
    }
    post.send(answer(1));
    await reading;
    post.handOver();
    const numbers = await written();
    expect(numbers[0]).toBe(0);
    expect(numbers.slice(1)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  it("is remembered as far as it may be unread, however large its events", async () => {
    const post = exchange();
    for (const size of [MIB / 2, MIB / 2 - 1_000, MIB, MIB]) post.send(word("x".repeat(size)));
    await post.response;
    // The last was refused: nothing of it had been taken.
    expect(await written()).toEqual([1, 2, 3, 4]);
  });
});
