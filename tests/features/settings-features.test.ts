import { beforeEach, describe, expect, it } from "vitest";
import { getSettings } from "../../shared/features/get-settings.ts";
import { savedPrompts } from "../../shared/features/saved-prompts.ts";
import { settingsResource } from "../../shared/features/settings-resource.ts";
import { updateSettings } from "../../shared/features/update-settings.ts";
import { createCall, resultOf } from "../support/fake-call.ts";

let fake: ReturnType<typeof createCall>;
beforeEach(() => {
  fake = createCall();
});

const prompt = { name: "standup", text: "What did I do yesterday?" };
const DEFAULTS = { filters: {}, timeZone: "UTC", savedPrompts: [] };

describe("getSettings", () => {
  it("gives the person's settings, as data and as JSON", async () => {
    await fake.call.settings.update({ timeZone: "Asia/Tokyo" });
    const { structured, text } = await resultOf(getSettings, {}, fake.call);
    expect(structured).toEqual({ ...DEFAULTS, timeZone: "Asia/Tokyo" });
    expect(JSON.parse(text)).toEqual(structured);
  });
});

describe("the resource settings://me", () => {
  it("is the same as JSON", async () => {
    await fake.call.settings.update({ filters: { a: "1" } });
    expect(JSON.parse((await settingsResource.read(fake.call)) as string)).toEqual({
      ...DEFAULTS,
      filters: { a: "1" },
    });
  });
});

describe("updateSettings", () => {
  it("changes what is given, keeps what is left out, and answers with all of it", async () => {
    await updateSettings.call({ filters: { a: "1" } }, fake.call);
    const { structured } = await resultOf(updateSettings, { timeZone: "Asia/Tokyo" }, fake.call);
    expect(structured).toEqual({ ...DEFAULTS, filters: { a: "1" }, timeZone: "Asia/Tokyo" });
    expect(await fake.call.settings.read()).toEqual(structured);
  });

  it("tells every client of the person that the settings have changed", async () => {
    await updateSettings.call({ timeZone: "Asia/Tokyo" }, fake.call);
    expect(fake.announced).toEqual([{ kind: "resource-updated", uri: "settings://me" }]);
  });

  it("tells them also that the prompts have changed, where they have", async () => {
    await updateSettings.call({ savedPrompts: [prompt] }, fake.call);
    expect(fake.announced).toEqual([
      { kind: "resource-updated", uri: "settings://me" },
      { kind: "prompts-changed" },
    ]);
  });

  it("changes and announces nothing when one part does not fit, and says which", async () => {
    const input = { timeZone: "Mars/Olympus", filters: { a: "1" } };
    await expect(updateSettings.call(input, fake.call)).rejects.toMatchObject({
      name: "InputInvalid",
      message: expect.stringMatching(/IANA time zone[^]*timeZone/) as string,
    });
    expect(await fake.call.settings.read()).toEqual(DEFAULTS);
    expect(fake.announced).toEqual([]);
  });
});

describe("the saved prompts", () => {
  it("are prompts with the person's text, without arguments", async () => {
    await fake.call.settings.update({ savedPrompts: [prompt] });
    const [saved, ...others] = await savedPrompts.list(fake.call);
    expect(others).toEqual([]);
    expect(saved).toMatchObject({ name: "standup", title: "standup", arguments: [] });
    expect(await saved?.render({}, fake.call)).toBe(prompt.text);
  });

  it("are none where none were saved", async () => {
    expect(await savedPrompts.list(fake.call)).toEqual([]);
  });
});
