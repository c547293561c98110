import { z } from "zod";
import { text } from "../../shared/features/content.ts";
import type { Call } from "../../shared/features/call.ts";
import { defineTool, type Prompt, type Tool } from "../../shared/features/feature.ts";
import {
  answeredForm,
  answeredRoots,
  answeredSampling,
  askFor,
  form,
  type FormSchema,
  type Question,
  roots,
  sampling,
} from "../../shared/features/questions.ts";

const named = (name: string) => ({ name, title: name, description: `Fixture ${name}` });
const nothing = z.object({});
const name = z.object({ name: z.string() });
const ok = z.object({ ok: z.boolean() });

const askName = form("What is your name?", name);
const say = (words: string) =>
  sampling([{ role: "user", content: { type: "text", text: words } }], { maxTokens: 100 });

/** A tool without arguments that may ask. */
function asking(toolName: string, run: (call: Call) => ReturnType<Run>): Tool {
  return defineTool({ ...named(toolName), input: nothing, run: (_input, call) => run(call) });
}
type Run = (call: Call) => Promise<string | ReturnType<typeof askFor>>;

/** Fields as the revisions of 2025 have them, which zod has no words for. */
function askingFields(toolName: string, fields: FormSchema): Tool {
  return asking(toolName, async ({ answers }) => {
    const answer = answeredForm(answers, "fields", z.looseObject({}));
    if (answer === undefined) return askFor({ fields: form("Please fill in.", fields) });
    return `Elicitation completed: ${JSON.stringify(answer)}`;
  });
}

const OPTIONS = ["option1", "option2", "option3"];
const TITLED = [
  { const: "value1", title: "First Option" },
  { const: "value2", title: "Second Option" },
  { const: "value3", title: "Third Option" },
];

/** The tools that ask, in the revisions of 2025 and in that of 2026. */
export const askingTools: Tool[] = [
  defineTool({
    ...named("test_sampling"),
    input: z.object({ prompt: z.string() }),
    async run({ prompt }, { answers }) {
      const answer = answeredSampling(answers, "prompt");
      return answer === undefined
        ? askFor({ prompt: say(prompt) })
        : `LLM response: ${answer.text}`;
    },
  }),
  defineTool({
    ...named("test_elicitation"),
    input: z.object({ message: z.string() }),
    async run({ message }, { answers }) {
      const person = z.object({ username: z.string(), email: z.string() });
      const answer = answeredForm(answers, "person", person);
      if (answer === undefined) return askFor({ person: form(message, person) });
      return `User response: ${JSON.stringify(answer)}`;
    },
  }),
  askingFields("test_elicitation_sep1034_defaults", {
    type: "object",
    properties: {
      name: { type: "string", default: "John Doe" },
      age: { type: "integer", default: 30 },
      score: { type: "number", default: 95.5 },
      status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean", default: true },
    },
  }),
  askingFields("test_elicitation_sep1330_enums", {
    type: "object",
    properties: {
      untitledSingle: { type: "string", enum: OPTIONS },
      titledSingle: { type: "string", oneOf: TITLED },
      legacyEnum: {
        type: "string",
        enum: ["opt1", "opt2", "opt3"],
        enumNames: ["Option One", "Option Two", "Option Three"],
      },
      untitledMulti: { type: "array", items: { type: "string", enum: OPTIONS } },
      titledMulti: { type: "array", items: { anyOf: TITLED } },
    },
  }),
  asking("test_missing_capability", async ({ answers }) => {
    const answer = answeredSampling(answers, "needed");
    return answer === undefined ? askFor({ needed: say("Are you there?") }) : answer.text;
  }),
  asking("test_streaming_elicitation", async (call) => {
    await call.progress({ progress: 1 });
    const answer = answeredForm(call.answers, "user_name", name);
    return answer === undefined ? askFor({ user_name: askName }) : "Done.";
  }),
  asking("test_input_required_result_elicitation", async ({ answers }) => {
    const answer = answeredForm(answers, "user_name", name);
    if (answer?.action !== "accept") return askFor({ user_name: askName });
    return `Hello, ${answer.content.name}!`;
  }),
  asking("test_input_required_result_sampling", async ({ answers }) => {
    const answer = answeredSampling(answers, "capital_question");
    if (answer === undefined) {
      return askFor({ capital_question: say("What is the capital of France?") });
    }
    return `The model said: ${answer.text}`;
  }),
  asking("test_input_required_result_list_roots", async ({ answers }) => {
    const answer = answeredRoots(answers, "client_roots");
    return answer === undefined
      ? askFor({ client_roots: roots })
      : `Roots: ${answer.map(({ uri }) => uri).join(", ")}`;
  }),
  asking("test_input_required_result_request_state", async ({ answers, state }) => {
    if (answeredForm(answers, "confirm", ok) === undefined || state !== "asked once") {
      return askFor({ confirm: form("Please confirm", ok) }, "asked once");
    }
    return "state-ok";
  }),
  asking("test_input_required_result_tampered_state", async ({ answers, state }) => {
    if (answeredForm(answers, "confirm", ok) === undefined || state !== "asked once") {
      return askFor({ confirm: form("Please confirm", ok) }, "asked once");
    }
    return "Done.";
  }),
  asking("test_input_required_result_multiple_inputs", async ({ answers, state }) => {
    const person = answeredForm(answers, "user_name", name);
    const model = answeredSampling(answers, "greeting");
    const folders = answeredRoots(answers, "client_roots");
    if (person === undefined || model === undefined || folders === undefined || state !== 1) {
      const greeting = say("Generate a greeting");
      return askFor({ user_name: askName, greeting, client_roots: roots }, 1);
    }
    return `${model.text} ${JSON.stringify(person)} ${folders.length}`;
  }),
  asking("test_input_required_result_multi_round", async ({ answers, state }) => {
    const color = z.object({ color: z.string() });
    const first = answeredForm(answers, "step1", name);
    if (first?.action === "accept") {
      const step2 = form("Step 2: What is your favorite color?", color);
      return askFor({ step2 }, { name: first.content.name });
    }
    const second = answeredForm(answers, "step2", color);
    if (second?.action === "accept") return `${JSON.stringify(state)} ${second.content.color}`;
    return askFor({ step1: form("Step 1: What is your name?", name) }, {});
  }),
  asking("test_input_required_result_capabilities", async (call) => {
    const wanted: Record<string, Question> = {
      ...(call.canAsk("elicitation") && { user_name: askName }),
      ...(call.canAsk("sampling") && { greeting: say("Generate a greeting") }),
      ...(call.canAsk("roots") && { client_roots: roots }),
    };
    const missing = Object.entries(wanted).filter(([key]) => !Object.hasOwn(call.answers, key));
    return missing.length > 0 ? askFor(Object.fromEntries(missing)) : "Done.";
  }),
];

const context = z.object({ context: z.string() });

/** The prompt that asks. */
export const contextPrompt: Prompt = {
  ...named("test_input_required_result_prompt"),
  arguments: [],
  async render(_values, { answers }) {
    const answer = answeredForm(answers, "user_context", context);
    if (answer?.action !== "accept") {
      return askFor({ user_context: form("What context should the prompt use?", context) });
    }
    return [{ role: "user", content: text(`Context: ${answer.content.context}`) }];
  },
};
