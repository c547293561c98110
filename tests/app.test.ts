import { expect, it } from "vitest";
import { MemoryStore } from "../shared/storage/memory-store.ts";
import { OutageStore } from "./support/outage-store.ts";
import { createTestApp } from "./support/test-app.ts";

it("a run of the maintenance that fails says so in the log, where the alert looks", async () => {
  const store = new OutageStore(new MemoryStore());
  const { app, log, recording } = createTestApp({ store });
  await app.maintain(recording);
  expect(log.join()).not.toContain("maintenance-failed");
  store.down = true;
  await expect(app.maintain(recording)).rejects.toThrow();
  expect(log.join()).toContain('"event":"maintenance-failed"');
});
