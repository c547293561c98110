import { defineConfig } from "vitest/config";
import { RedactionTotals } from "./tests/support/redaction/report-totals.ts";

/** Faults of processes, and loads: a file at a time, for each has the machine to itself. */
export default defineConfig({
  test: {
    // What a library exports is what it exports to Node, and in the bundle.
    deps: { interopDefault: false },
    include: ["tests/faults/**/*.test.ts"],
    // As in vitest.config.ts.
    setupFiles: ["tests/support/redaction/check-file.ts"],
    reporters: ["default", new RedactionTotals()],
    maxWorkers: 1,
    // They take processes away at moments that nobody can choose exactly.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
