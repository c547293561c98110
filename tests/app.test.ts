import { expect, it } from "vitest";
import { MemoryStore } from "../shared/storage/memory-store.ts";
import { OutageStore } from "./support/outage-store.ts";
import { useFacade } from "./support/facade.ts";
import { EventStream } from "./support/open-stream.ts";
import { createTestApp } from "./support/test-app.ts";
import { UnsteadyStore } from "./support/unsteady-store.ts";

const facade = useFacade();

it("a run of the maintenance that fails says so in the log, where the alert looks", async () => {
  const store = new OutageStore(new MemoryStore());
  const { app, log, recording } = createTestApp({ store });
  await app.maintain(recording);
  expect(log.join()).not.toContain("maintenance-failed");
  store.down = true;
  await expect(app.maintain(recording)).rejects.toThrow();
  expect(log.join()).toContain('"event":"maintenance-failed"');
});

it("an instance that goes ends its streams also where storage does not answer", async () => {
  const { access_token: token } = await facade.client.tokens("alice");
  const store = new UnsteadyStore(facade.app.store, { mishap: () => "none", delay: () => 0 });
  const instance = createTestApp({ entraUrl: facade.entra.url, store });
  const stream = await EventStream.open(instance, token);
  store.freeze();
  const closing = instance.app.close();
  expect(await stream.rest()).toEqual([]);
  await closing;
  store.thaw();
});
