import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CallsInProgress } from "../../../shared/mcp/streamable/calls-in-progress.ts";
import { patiently } from "../../../shared/mcp/streamable/patient-response.ts";
import { createContext } from "../../support/request-context.ts";
import { TestClock } from "../../support/test-clock.ts";

const FAILURE = '{"error":"gone"}';
const json = (text: string) =>
  new Response(text, { headers: { "content-type": "application/json" } });
const events = (...texts: string[]) =>
  new Response(texts.join(""), { headers: { "content-type": "text/event-stream" } });

let calls: CallsInProgress;
let answer: PromiseWithResolvers<Response>;
let client: ReturnType<typeof createContext>;
let response: Promise<Response>;
beforeEach(() => {
  vi.useFakeTimers();
  calls = new CallsInProgress({ clock: new TestClock() });
  answer = Promise.withResolvers();
  client = createContext();
  response = patiently(answer.promise, { client: client.context, calls, failure: FAILURE });
});
afterEach(() => {
  vi.useRealTimers();
});

/** @returns What is in a stream, without its comments. */
async function dataIn(stream: Response): Promise<string[]> {
  const text = await stream.text();
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => data);
}

describe("an answer that comes within a second", () => {
  it("is handed on as it is", async () => {
    const given = json("1");
    answer.resolve(given);
    expect(await response).toBe(given);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is an error where it is one", async () => {
    answer.reject(new Error("no"));
    await expect(response).rejects.toThrow("no");
  });

  it("goes through a stream of ours where it is one", async () => {
    answer.resolve(events("data: 1\n\n", "data: 2\n\n"));
    const stream = await response;
    expect(stream.headers.get("x-accel-buffering")).toBe("no");
    expect(await dataIn(stream)).toEqual(["1", "2"]);
  });
});

describe("an answer that takes longer", () => {
  beforeEach(() => {
    vi.advanceTimersByTime(1_000);
  });

  it("is announced by a stream that is kept alive, and becomes its only event", async () => {
    const stream = await response;
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    vi.advanceTimersByTime(15_000);
    answer.resolve(json('{"a":1}'));
    const text = await stream.text();
    expect(text).toBe(': keep-alive\n\n: keep-alive\n\nevent: message\ndata: {"a":1}\n\n');
    expect(vi.getTimerCount()).toBe(0);
  });

  it("comes as it comes where it is a stream", async () => {
    answer.resolve(events("data: 1\n\n", "data: 2\n\n"));
    expect(await dataIn(await response)).toEqual(["1", "2"]);
  });

  it("fails in so many words where it fails", async () => {
    answer.reject(new Error("secret"));
    expect(await dataIn(await response)).toEqual([FAILURE]);
  });

  it("goes nowhere when the client has gone", async () => {
    const stream = await response;
    client.disconnect();
    expect(await dataIn(stream)).toEqual([]);
    answer.resolve(json("1"));
  });
});

describe("an instance that is about to go", () => {
  it("waits for what is answered soon", async () => {
    vi.useRealTimers();
    const finished = calls.finish();
    answer.resolve(json("1"));
    await finished;
    expect(await (await response).text()).toBe("1");
  });

  it("fails what is not, whether it has begun to stream or not", async () => {
    vi.useRealTimers();
    const early = patiently(new Promise(() => undefined), {
      client: client.context,
      calls,
      failure: FAILURE,
    });
    answer.resolve(
      new Response(new ReadableStream(), { headers: { "content-type": "text/event-stream" } }),
    );
    const streaming = await response;
    await calls.finish();
    expect(await (await early).text()).toBe(FAILURE);
    expect(await dataIn(streaming)).toEqual([FAILURE]);
  });
});
