import { z } from "zod";
import type { Content } from "./content.ts";

/** A kind of question; a client says which it can answer. */
export type QuestionKind = "elicitation" | "sampling" | "roots";

/** Something that only the client can answer, in the words of MCP (2026-07-28, multi-round-trip requests). */
export type Question =
  | {
      readonly method: "elicitation/create";
      readonly params: {
        readonly mode: "form";
        readonly message: string;
        readonly requestedSchema: FormSchema;
      };
    }
  | {
      readonly method: "sampling/createMessage";
      readonly params: {
        readonly messages: readonly SamplingMessage[];
        readonly maxTokens: number;
        readonly systemPrompt?: string;
      };
    }
  | { readonly method: "roots/list" };

/** The schema of a form: an object with fields of primitive types and choices. */
export interface FormSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required?: readonly string[];
}

interface SamplingMessage {
  readonly role: "user" | "assistant";
  readonly content: Extract<Content, { type: "text" | "image" | "audio" }>;
}

/** What a feature returns that cannot go on before the client has answered. Made by {@link askFor}. */
export class Questions {
  readonly byKey: Readonly<Record<string, Question>>;
  readonly state: unknown;

  constructor(byKey: Readonly<Record<string, Question>>, state: unknown) {
    this.byKey = byKey;
    this.state = state;
  }
}

/**
 * Ends this round of a call with questions. Once the client has answered them, the feature is called again,
 * maybe on another instance, with the same input, the answers in `call.answers` and `state` in `call.state`.
 * What was done before asking is done again, so ask before you act.
 *
 * @param byKey At least one question, each under a key of your own.
 * @param state JSON to go on from. It travels through the client, sealed: nobody can read or change it, but
 *   a client may send it again within its ten minutes.
 */
export function askFor(byKey: Readonly<Record<string, Question>>, state?: unknown): Questions {
  return new Questions(byKey, state);
}

/** Asks the person to fill in a form. @param fields Of primitive types and choices only. */
export function form(message: string, fields: z.ZodObject | FormSchema): Question {
  const requestedSchema = fields instanceof z.ZodObject ? formSchema(fields) : fields;
  return { method: "elicitation/create", params: { mode: "form", message, requestedSchema } };
}

/** Asks the client's model to go on from some messages. */
export function sampling(
  messages: readonly SamplingMessage[],
  options: { maxTokens: number; systemPrompt?: string },
): Question {
  return { method: "sampling/createMessage", params: { messages, ...options } };
}

/** Asks which folders the client works in. */
export const roots: Question = { method: "roots/list" };

/** The client's answers by the keys of the questions, as they came: read them with the functions below. */
export type Answers = Readonly<Record<string, unknown>>;

/** What became of a form. */
export type FormAnswer<T> =
  { readonly action: "accept"; readonly content: T } | { readonly action: "decline" | "cancel" };

const formAnswer = z.discriminatedUnion("action", [
  z.object({ action: z.literal("accept"), content: z.record(z.string(), z.unknown()) }),
  z.object({ action: z.enum(["decline", "cancel"]) }),
]);

/** @returns What the person has done with a form; undefined where there is no answer that fits `fields`. */
export function answeredForm<T>(
  answers: Answers,
  key: string,
  fields: z.ZodType<T>,
): FormAnswer<T> | undefined {
  const answer = formAnswer.safeParse(answerTo(answers, key)).data;
  if (answer?.action !== "accept") return answer;
  const content = fields.safeParse(answer.content);
  return content.success ? { action: "accept", content: content.data } : undefined;
}

const block = z.looseObject({ type: z.string() });
const sampled = z.object({
  content: z.union([block.transform((one) => [one]), z.array(block)]),
  model: z.string(),
});

/** @returns What the client's model has said, in words; undefined where there is no such answer. */
export function answeredSampling(
  answers: Answers,
  key: string,
): { readonly text: string; readonly model: string } | undefined {
  const answer = sampled.safeParse(answerTo(answers, key)).data;
  if (answer === undefined) return undefined;
  const words = answer.content.flatMap(({ type, text }) =>
    type === "text" && typeof text === "string" ? [text] : [],
  );
  return { text: words.join("\n"), model: answer.model };
}

const listed = z.object({
  roots: z.array(z.object({ uri: z.string(), name: z.string().optional() })),
});

/** @returns The client's folders; undefined where there is no such answer. */
export function answeredRoots(
  answers: Answers,
  key: string,
): readonly { readonly uri: string; readonly name?: string | undefined }[] | undefined {
  return listed.safeParse(answerTo(answers, key)).data?.roots;
}

/** Own keys only: `toString` is the answer to nothing. */
function answerTo(answers: Answers, key: string): unknown {
  return Object.hasOwn(answers, key) ? answers[key] : undefined;
}

function formSchema(fields: z.ZodObject): FormSchema {
  const { properties, required } = z
    .object({
      properties: z.record(z.string(), z.record(z.string(), z.unknown())),
      required: z.array(z.string()).optional(),
    })
    .parse(z.toJSONSchema(fields, { io: "input" }));
  return { type: "object", properties, ...(required !== undefined && { required }) };
}
