import { beforeEach, describe, expect, it } from "vitest";
import { introduceMe } from "../../shared/features/introduce-me.ts";
import { planMyWeek } from "../../shared/features/plan-my-week.ts";
import { createCall } from "../support/fake-call.ts";

let fake: ReturnType<typeof createCall>;
beforeEach(() => {
  fake = createCall();
});

describe("plan-my-week", () => {
  it("names the filter where one was chosen", async () => {
    expect(await planMyWeek.render({ filter: "work" }, fake.call)).toContain(`filter "work"`);
    expect(await planMyWeek.render({}, fake.call)).not.toContain("filter");
    expect(await planMyWeek.render({ filter: "" }, fake.call)).not.toContain("filter");
  });

  it("suggests the person's own filters that begin with what is typed", async () => {
    await fake.call.settings.update({ filters: { work: "x", workshops: "y", home: "z" } });
    const [filter] = planMyWeek.arguments;
    expect(await filter?.complete?.("work", fake.call)).toEqual(["work", "workshops"]);
    expect(await filter?.complete?.("", fake.call)).toHaveLength(3);
    expect(await filter?.complete?.("x", fake.call)).toEqual([]);
  });
});

describe("introduce-me", () => {
  it("is for an audience, which must be given, in a tone, which has a default", async () => {
    const required = introduceMe.arguments.filter((argument) => argument.required === true);
    expect(required.map(({ name }) => name)).toEqual(["audience"]);
    const text = await introduceMe.render({ audience: "a new team" }, fake.call);
    expect(text).toContain("a new team");
    expect(text).toContain("Tone: friendly");
    const formal = await introduceMe.render({ audience: "x", tone: "formal" }, fake.call);
    expect(formal).toContain("Tone: formal");
  });

  it("suggests the tones that begin with what is typed", async () => {
    const tone = introduceMe.arguments.find(({ name }) => name === "tone");
    expect(await tone?.complete?.("f", fake.call)).toEqual(["formal", "friendly"]);
  });
});
