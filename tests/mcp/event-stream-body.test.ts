import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventStreamBody, type StreamEnd } from "../../shared/mcp/event-stream-body.ts";

const KIB = 1024;

let backlog: number;
let cut: ReturnType<typeof vi.fn<() => void>>;
let ends: StreamEnd[];
let body: EventStreamBody;
beforeEach(() => {
  vi.useFakeTimers();
  backlog = 0;
  cut = vi.fn<() => void>();
  ends = [];
  body = new EventStreamBody({ backlog: () => backlog, cut }, (end) => ends.push(end));
});
afterEach(() => {
  body.end();
  vi.useRealTimers();
});

describe("a client that does not read", () => {
  it("loses its stream once a mebibyte waits in the response", () => {
    backlog = KIB * KIB;
    expect(body.event("message", "fits")).toBe(true);
    backlog += 1;
    expect(body.event("message", "too much")).toBe(false);
    expect(ends).toEqual(["backlog"]);
    expect(cut).toHaveBeenCalledOnce();
    expect(body.open).toBe(false);
  });

  it("loses it also where the mebibyte waits in the stream", () => {
    for (let n = 0; n < 20; n++) body.event("message", "x".repeat(64 * KIB));
    expect(ends).toEqual(["backlog"]);
  });

  it("gets one message of any size, when it has read all before", async () => {
    const reader = body.stream.getReader();
    expect(body.event("message", "x".repeat(4 * KIB * KIB))).toBe(true);
    await reader.read();
    expect(body.event("message", "next")).toBe(true);
    expect(ends).toEqual([]);
  });
});

describe("the end of a stream", () => {
  it("says when to come back, if it is to", async () => {
    const text = new Response(body.stream).text();
    body.end(321.4);
    expect(await text).toBe("retry: 321\n\n");
    expect(ends).toEqual(["server"]);
  });

  it("is told once, whoever ends it", async () => {
    await body.stream.cancel();
    body.end();
    body.abandon();
    expect(ends).toEqual(["client"]);
    expect(body.event("message", "late")).toBe(false);
  });

  it("is the end of the keep-alive: nothing is left that would hold the process", () => {
    body.keepAlive();
    expect(vi.getTimerCount()).toBe(1);
    body.abandon();
    expect(vi.getTimerCount()).toBe(0);
  });
});
