import type { z } from "zod";
import { Graph } from "../../shared/entra/graph.ts";
import type { Content } from "../../shared/features/content.ts";
import type { Call, Change } from "../../shared/features/call.ts";
import type { Features, Tool } from "../../shared/features/feature.ts";
import { type QuestionKind, Questions } from "../../shared/features/questions.ts";
import { jsonLog } from "../../shared/log.ts";
import { FeatureCalls } from "../../shared/mcp/feature-calls.ts";
import { RequestStates } from "../../shared/mcp/request-states.ts";
import { SettingsTable } from "../../shared/sessions/personal-settings.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { noTelemetry } from "../../shared/telemetry/telemetry.ts";
import { createSessionParts } from "./parts.ts";
import { TestClock } from "./test-clock.ts";

const unused = () => Promise.reject(new Error("not used"));

/** Graph that gives what a test has laid ready, checked against the schema as the real one does. */
export class FakeGraph extends Graph {
  /** In the order of the calls; an error is thrown. */
  readonly answers: unknown[] = [];
  readonly asked: { path: string; headers: Record<string, string> }[] = [];

  constructor(signal: AbortSignal) {
    super({
      baseUrl: "http://localhost:9",
      signIn: { token: unused, challenge: unused },
      signal,
      telemetry: noTelemetry,
    });
  }

  override async get<T>(
    path: string,
    schema: z.ZodType<T>,
    { headers = {} }: { headers?: Record<string, string> } = {},
  ): Promise<T> {
    this.asked.push({ path, headers });
    const answer = this.answers.shift();
    if (answer instanceof Error) throw answer;
    return schema.parse(answer);
  }
}

/** The context of a feature's call, and what the feature did with it. */
export function createCall() {
  const controller = new AbortController();
  const clock = new TestClock();
  const graph = new FakeGraph(controller.signal);
  const announced: Change[] = [];
  const progress: { progress: number; total?: number; message?: string }[] = [];
  const logged: { level: string; data: unknown }[] = [];
  const canAsk = new Set<QuestionKind>(["elicitation", "sampling", "roots"]);
  const call: Call = {
    session: createSessionParts({ clock }).session({ userKey: "alice" }),
    clock,
    graph,
    // Sessions are tested with the real ones, in tests/features/sessions.test.ts.
    sessions: { list: unused, end: unused },
    feeds: { read: async () => undefined, topics: async () => [] },
    cached: (_uri, _variant, read) => read(),
    settings: new SettingsTable({ store: new MemoryStore() }).of("alice"),
    signal: controller.signal,
    async progress(step) {
      progress.push(step);
    },
    async log(level, data) {
      logged.push({ level, data });
    },
    canAsk: (kind) => canAsk.has(kind),
    answers: {},
    state: undefined,
    async announce(change) {
      announced.push(change);
    },
  };
  const abort = () => controller.abort();
  return { call, clock, graph, announced, progress, logged, canAsk, abort };
}

/** Features, ready to be called. @param log Gets every line that is logged. */
export function featureCalls(features: Features, log: string[] = []): FeatureCalls {
  const requestStates = new RequestStates(createSessionParts());
  return new FeatureCalls({
    features,
    requestStates,
    live: true,
    log: jsonLog((_, line) => log.push(line)),
  });
}

/** @returns What a tool gives at once, and the text that it shows. */
export async function resultOf(
  tool: Tool,
  input: unknown,
  call: Call,
): Promise<{
  structured: Record<string, unknown> | undefined;
  content: readonly Content[];
  text: string;
}> {
  const result = await tool.call(input, call);
  if (result instanceof Questions) throw new Error("the tool asks for something");
  const { structured, content } = result;
  const [first] = content;
  return { structured, content, text: first?.type === "text" ? first.text : "" };
}
