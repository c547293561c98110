import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { beforeEach, expect, it, vi } from "vitest";
import { WaitingAnswers } from "../../shared/mcp/waiting-answers.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { createSessionParts, type Parts } from "../support/parts.ts";

let parts: Parts;
let answers: WaitingAnswers;
beforeEach(() => {
  parts = createSessionParts();
  answers = new WaitingAnswers(parts);
});

const keep = async (sequence: number, message: JSONRPCMessage) =>
  answers.keep(await answers.seal("s", sequence, message));

const answer = (id: number, text = "") => ({ jsonrpc: "2.0" as const, id, result: { text } });

const taken = (id = "one", streaming = true) =>
  Array.fromAsync(
    answers.take("s", { id, streaming }),
    ({ message }) => "id" in message && message.id,
  );

it("gives what waits in order, however large, and once", async () => {
  await keep(2, answer(2));
  await keep(1, answer(1, "x".repeat(900_000)));
  expect(await taken()).toEqual([1, 2]);
  expect(await taken("two")).toEqual([]);
  await answers.clear("s");
  expect(await Array.fromAsync(parts.store.list("events", "s"))).toEqual([]);
});

it.each([
  ["small", 1],
  ["large", 900_000],
])(
  "gives what was taken to nobody else although it is kept once more, its keeping not confirmed: %s",
  async (_, length) => {
    const sealed = await answers.seal("s", 1, answer(1, "x".repeat(length)));
    await answers.keep(sealed);
    expect(await taken("one")).toEqual([1]);
    await answers.keep(sealed);
    expect(await taken("two")).toEqual([]);
  },
);

it("keeps nothing from the others because the writing of one was broken off", async () => {
  vi.spyOn(parts.store, "insert").mockImplementationOnce(async (...row) => {
    const [table, key, value] = row;
    await parts.store.put(table, key, value);
    parts.store.down = true;
    return "";
  });
  await expect(keep(1, answer(1, "x".repeat(900_000)))).rejects.toThrow();
  parts.store.down = false;
  await keep(2, answer(2));
  expect(await taken()).toEqual([2]);
});

it("loses nothing where it cannot be read just now", async () => {
  await keep(1, answer(1));
  vi.spyOn(parts.sealer, "open").mockImplementationOnce(() => {
    throw new StorageUnavailable("the keys could not be read");
  });
  await expect(taken()).rejects.toThrow(StorageUnavailable);
  expect(await taken()).toEqual([1]);
});

it("gives each to one of those who take at once, although the answer to that is lost", async () => {
  for (const n of [1, 2, 3]) await keep(n, answer(n));
  const replace = parts.store.replace.bind(parts.store);
  vi.spyOn(parts.store, "replace").mockImplementation(async (...written) => {
    await replace(...written);
    // The library sends it again.
    return replace(...written);
  });
  const all = await Promise.all([taken("one"), taken("two"), taken("three")]);
  expect(new Set(all.flat())).toEqual(new Set([1, 2, 3]));
  expect(all.flat()).toHaveLength(3);
});

it("gives nothing to one who cannot hand it on any more", async () => {
  await keep(1, answer(1));
  expect(await taken("one", false)).toEqual([]);
  expect(await taken("two")).toEqual([1]);
});
