import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  answeredForm,
  answeredRoots,
  answeredSampling,
  form,
} from "../../shared/features/questions.ts";

const fields = z.object({ name: z.string().max(5), age: z.number().optional() });

describe("a form", () => {
  it("asks for the fields of a schema, and nothing else of it", () => {
    expect(form("Who?", fields)).toEqual({
      method: "elicitation/create",
      params: {
        mode: "form",
        message: "Who?",
        requestedSchema: {
          type: "object",
          properties: { name: { type: "string", maxLength: 5 }, age: { type: "number" } },
          required: ["name"],
        },
      },
    });
  });
});

const read = (answer: unknown) => answeredForm({ it: answer }, "it", fields);
const readSampling = (content: unknown) =>
  answeredSampling({ it: { role: "assistant", content, model: "m" } }, "it");

describe("the answer to a form", () => {
  it("is what the person has filled in, without what was not asked for", () => {
    expect(read({ action: "accept", content: { name: "Ann", extra: 1 } })).toEqual({
      action: "accept",
      content: { name: "Ann" },
    });
  });

  it.each(["decline", "cancel"])("is %s where the person will not answer", (action) => {
    expect(read({ action })).toEqual({ action });
  });

  it.each([
    undefined,
    null,
    7,
    "yes",
    {},
    { action: "accept" },
    { action: "accept", content: null },
    { action: "accept", content: { name: 7 } },
    { action: "accept", content: { name: "far too long" } },
    { action: "maybe", content: { name: "Ann" } },
  ])("is none where it does not fit: %j", (answer) => {
    expect(read(answer)).toBeUndefined();
  });

  it("is none under a key that only every object has", () => {
    expect(answeredForm({}, "constructor", fields)).toBeUndefined();
  });
});

describe("the answer of a model", () => {
  it("is its words, whether they come as one block or as several", () => {
    const text = { type: "text", text: "hi" };
    expect(readSampling(text)).toEqual({ text: "hi", model: "m" });
    expect(readSampling([text, { type: "image", data: "" }, text])).toEqual({
      text: "hi\nhi",
      model: "m",
    });
    expect(readSampling("hi")).toBeUndefined();
  });
});

describe("the client's folders", () => {
  it("are URIs, maybe with a name", () => {
    const roots = [{ uri: "file:///a" }, { uri: "file:///b", name: "b" }];
    expect(answeredRoots({ it: { roots } }, "it")).toEqual(roots);
    expect(answeredRoots({ it: { roots: [{}] } }, "it")).toBeUndefined();
    expect(answeredRoots({}, "it")).toBeUndefined();
  });
});
