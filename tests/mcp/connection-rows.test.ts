import { beforeEach, expect, it } from "vitest";
import { ConnectionRows, NO_STATE } from "../../shared/mcp/connection-rows.ts";
import { Expiries } from "../../shared/storage/expiries.ts";
import { holdAnswers } from "../support/held-answers.ts";
import { createSessionParts, type Parts } from "../support/parts.ts";

const KEY = { partition: "u", row: "c" };

let parts: Parts;
let rows: ConnectionRows;
beforeEach(async () => {
  parts = createSessionParts();
  rows = new ConnectionRows({ ...parts, expiries: new Expiries(parts) });
  await rows.open(KEY, {
    kind: "session",
    sessionId: "s",
    instance: "",
    expiresAt: parts.clock.now() + 1_000,
    continued: false,
    state: NO_STATE,
  });
});

it("goes when its time is over, and not before", async () => {
  expect(await rows.expire(KEY)).toBe(parts.clock.now() + 1_000);
  parts.clock.advance({ seconds: 1 });
  expect(await rows.expire(KEY)).toBeUndefined();
  expect(await rows.find(KEY)).toBeUndefined();
});

it("stays where it is used while the sweep looks at it", async () => {
  parts.clock.advance({ seconds: 1 });
  const held = holdAnswers(parts.store, "get", "connections", 1);
  const swept = rows.expire(KEY);
  await expect.poll(() => held.count).toBe(1);
  const until = parts.clock.now() + 5_000;
  await rows.expireAt(KEY, until);
  held.release();
  expect(await swept).toBe(until);
  expect(await rows.find(KEY)).toBeDefined();
});
