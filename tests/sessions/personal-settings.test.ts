import { beforeEach, describe, expect, it } from "vitest";
import { SettingsTable, settingsSchema } from "../../shared/sessions/personal-settings.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";

let store: MemoryStore;
let settings: SettingsTable;
beforeEach(() => {
  store = new MemoryStore();
  settings = new SettingsTable({ store });
});

const prompt = { name: "standup", text: "What did I do yesterday?" };

describe("a person's settings", () => {
  it("have defaults before anything was saved, and nothing is stored by reading", async () => {
    const defaults = { filters: {}, timeZone: "UTC", savedPrompts: [] };
    expect(await settings.of("alice").read()).toEqual(defaults);
    expect(await Array.fromAsync(store.list("settings", "alice"))).toEqual([]);
  });

  it("keep what a change leaves out (absent = unchanged)", async () => {
    await settings.of("alice").update({ filters: { work: "review" }, savedPrompts: [prompt] });
    const after = await settings.of("alice").update({ timeZone: "Europe/Berlin" });
    expect(after).toEqual({
      filters: { work: "review" },
      timeZone: "Europe/Berlin",
      savedPrompts: [prompt],
    });
    expect(await settings.of("alice").read()).toEqual(after);
  });

  it("replace the whole of what a change names", async () => {
    await settings.of("alice").update({ filters: { a: "1", b: "2" } });
    await settings.of("alice").update({ filters: { c: "3" } });
    expect((await settings.of("alice").read()).filters).toEqual({ c: "3" });
  });

  it("are nobody else's", async () => {
    await settings.of("alice").update({ timeZone: "Europe/Berlin" });
    expect((await settings.of("bob").read()).timeZone).toBe("UTC");
  });

  it("take both of two changes that one person makes at the same time", async () => {
    const alice = settings.of("alice");
    await Promise.all([
      alice.update({ timeZone: "Asia/Tokyo" }),
      alice.update({ filters: { a: "1" } }),
    ]);
    await Promise.all([
      alice.update({ filters: { a: "2" } }),
      alice.update({ savedPrompts: [prompt] }),
    ]);
    expect(await alice.read()).toEqual({
      filters: { a: "2" },
      timeZone: "Asia/Tokyo",
      savedPrompts: [prompt],
    });
  });
});

const accepts = (value: unknown) => settingsSchema.partial().safeParse(value).success;
const names = (count: number) => Array.from({ length: count }, (_, n) => `n${n}`);
const filters = (count: number) => Object.fromEntries(names(count).map((name) => [name, "x"]));
const prompts = (count: number) => names(count).map((name) => ({ name, text: "x" }));

describe("what settings may be", () => {
  it.each(["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"])("takes %s", (timeZone) => {
    expect(accepts({ timeZone })).toBe(true);
  });

  it.each(["", "Berlin", "Mars/Olympus", 'UTC"\r\nX: y'])("refuses time zone %j", (timeZone) => {
    expect(accepts({ timeZone })).toBe(false);
  });

  it.each([
    ["two prompts of one name", { savedPrompts: [prompt, prompt] }],
    ["a name with spaces", { savedPrompts: [{ ...prompt, name: "my prompt" }] }],
    ["a prompt without text", { savedPrompts: [{ ...prompt, text: "" }] }],
    ["a prompt of 2,001 characters", { savedPrompts: [{ ...prompt, text: "x".repeat(2_001) }] }],
    ["an empty filter", { filters: { all: "" } }],
    ["a filter without a name", { filters: { " ": "x" } }],
  ])("refuses %s", (_, value) => {
    expect(accepts(value)).toBe(false);
  });

  it("takes 50 of each, and not 51", () => {
    expect(accepts({ filters: filters(50), savedPrompts: prompts(50) })).toBe(true);
    expect(accepts({ filters: filters(51) })).toBe(false);
    expect(accepts({ savedPrompts: prompts(51) })).toBe(false);
  });
});
