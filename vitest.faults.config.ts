import { defineConfig } from "vitest/config";
import { RedactionTotals } from "./tests/support/redaction/report-totals.ts";

/** Those that keep a machine busy: each has it to itself. The others wait for most of their time. */
const LOADS = ["tests/faults/feeds.test.ts", "tests/faults/load.test.ts"];

/** Faults of processes, and loads. */
export default defineConfig({
  test: {
    // What a library exports is what it exports to Node, and in the bundle.
    deps: { interopDefault: false },
    // As in vitest.config.ts.
    setupFiles: ["tests/support/redaction/check-file.ts"],
    reporters: ["default", new RedactionTotals()],
    // They take processes away at moments that nobody can choose exactly.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "faults",
          include: ["tests/faults/**/*.test.ts"],
          exclude: LOADS,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "loads", include: LOADS, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
