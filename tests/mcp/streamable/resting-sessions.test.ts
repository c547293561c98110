import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RestingSessions } from "../../../shared/mcp/streamable/resting-sessions.ts";

const MINUTE = 60_000;

interface Resting {
  readonly id: string;
  resting: boolean;
}

let forgotten: string[];
let sessions: RestingSessions<Resting>;
beforeEach(() => {
  vi.useFakeTimers();
  forgotten = [];
  sessions = new RestingSessions({ max: 2, ttlMs: 10 * MINUTE }, ({ id }) => forgotten.push(id));
});
afterEach(() => {
  vi.useRealTimers();
});

const [a, b, c] = ["a", "b", "c"].map((id) => ({ id, resting: true })) as [
  Resting,
  Resting,
  Resting,
];

it("forgets a session that has rested for its time, counted from when it was touched last", () => {
  sessions.touch(a);
  vi.advanceTimersByTime(9 * MINUTE);
  sessions.touch(a);
  vi.advanceTimersByTime(9 * MINUTE);
  expect(forgotten).toEqual([]);
  vi.advanceTimersByTime(MINUTE);
  expect(forgotten).toEqual(["a"]);
});

it("forgets the one that has rested longest, where there are too many", () => {
  for (const session of [a, b, a, c]) sessions.touch(session);
  expect(forgotten).toEqual(["b"]);
});

it("holds none that has ended, and goes on with the one that was made again under its id", () => {
  const [ended, again] = [
    { id: "a", resting: true },
    { id: "a", resting: true },
  ];
  sessions.touch(ended);
  sessions.remove(ended);
  expect(vi.getTimerCount()).toBe(0);
  sessions.touch(again);
  sessions.remove(ended);
  vi.advanceTimersByTime(10 * MINUTE);
  expect(forgotten).toEqual(["a"]);
});

it("forgets none that is busy", () => {
  const busy = { id: "busy", resting: false };
  for (const session of [busy, a, b]) sessions.touch(session);
  vi.advanceTimersByTime(9 * MINUTE);
  expect(forgotten).toEqual([]);
  busy.resting = true;
  sessions.touch(busy);
  vi.advanceTimersByTime(MINUTE);
  expect(forgotten).toEqual(["a", "b"]);
});
