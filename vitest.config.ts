import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Faults and loads take minutes: npm run test:faults.
    exclude: ["tests/faults/**"],
    // Half of the time is spent waiting for other processes: two at once on two cores.
    maxWorkers: 2,
    // Generous, for a loaded machine: no test waits for time to pass, so only a hang reaches them.
    testTimeout: 30_000,
    hookTimeout: 90_000,
  },
});
