import { defineConfig } from "vitest/config";

/** Faults of processes, and loads: a file at a time, for each has the machine to itself. */
export default defineConfig({
  test: {
    include: ["tests/faults/**/*.test.ts"],
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 90_000,
  },
});
