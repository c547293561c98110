import { defineConfig } from "vitest/config";
import { RedactionTotals } from "./tests/support/redaction/report-totals.ts";

export default defineConfig({
  test: {
    // What a library exports is what it exports to Node, and in the bundle.
    deps: { interopDefault: false },
    include: ["tests/**/*.test.ts"],
    // Faults and loads take minutes: npm run test:faults.
    exclude: ["tests/faults/**"],
    // Searches the logs of each file for every secret that it used.
    setupFiles: ["tests/support/redaction/check-file.ts"],
    reporters: ["default", new RedactionTotals()],
    // Half of the time is spent waiting for other processes: two at once on two cores.
    maxWorkers: 2,
    // Generous, for a loaded machine: no test waits for time to pass, so only a hang reaches them.
    testTimeout: 30_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
