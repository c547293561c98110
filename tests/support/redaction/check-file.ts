import { afterAll, expect } from "vitest";
import { recorder } from "./recorder.ts";

declare module "vitest" {
  interface TaskMeta {
    /** How much was searched for how many secrets, when a file had come to its end. */
    redaction?: { lines: number; secrets: number };
  }
}

const { fetch } = globalThis;

/** As every test and every server in this process reaches the network. */
globalThis.fetch = async (input, init) => {
  const response = await fetch(input, init);
  recorder.exchange(init, response);
  return response;
};

// Runs after all other hooks of the file, when its servers have stopped.
// oxlint-disable-next-line eslint/no-empty-pattern -- the file comes second, and vitest wants the first to be a pattern
afterAll(async ({}, file) => {
  const leaks = await recorder.leaks();
  Object.assign(file.meta, {
    redaction: { lines: recorder.lines.length, secrets: recorder.secrets.size },
  });
  expect(leaks, "lines of a log that hold a secret").toEqual([]);
});
