import { afterAll, beforeAll, expect, it } from "vitest";
import { SettingsTable, settingsSchema } from "../../shared/sessions/personal-settings.ts";
import { TableStore } from "../../shared/storage/table-store.ts";
import { startTestAzurite, type TestAzurite } from "../support/test-azurite.ts";

let azurite: TestAzurite;
beforeAll(async () => {
  azurite = await startTestAzurite();
}, 40_000);
afterAll(() => azurite.stop());

it("keeps the largest settings that are allowed, which no single property of a table holds", async () => {
  const alice = new SettingsTable({ store: new TableStore(azurite.connectionString) }).of("alice");
  const names = Array.from({ length: 50 }, (_, n) => `${n}`.padEnd(64, "n"));
  const largest = settingsSchema.parse({
    filters: Object.fromEntries(names.map((name) => [name, "😀".repeat(100)])),
    timeZone: "Europe/Berlin",
    savedPrompts: names.map((name) => ({ name, text: 'say "hi"\n'.repeat(222) })),
  });
  await alice.update(largest);
  expect(await alice.read()).toEqual(largest);
  await alice.update({ savedPrompts: [] });
  expect(await alice.read()).toEqual({ ...largest, savedPrompts: [] });
});
