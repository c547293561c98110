import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CreateMessageRequestParamsSchema,
  ElicitRequestFormParamsSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { FeatureError } from "../features/feature-errors.ts";
import type { Answers, Question, QuestionKind } from "../features/questions.ts";
import { canAsk } from "./client-capabilities.ts";
import { Asking } from "./incoming.ts";

/** So often may a feature ask in one call: as often as the other SDK lets it. */
const MAX_ROUNDS = 8;

/** For so long a person may think. */
const ROUND_TIMEOUT_MS = 600_000;

/** What the round before has brought. */
export interface Round {
  readonly answers?: Answers;
  readonly requestState?: string | undefined;
}

/**
 * Runs a feature in rounds on a connection of HTTP+SSE: what it asks is put to the client as requests of
 * the server's, and it is called again with the answers.
 *
 * @param signal Aborted when the client gives up the call.
 * @throws FeatureError where the client cannot answer, or does not.
 */
export async function inRounds<T>(
  server: Server,
  signal: AbortSignal,
  run: (round: Round) => Promise<T | Asking>,
): Promise<T> {
  let round: Round = {};
  for (let rounds = 0; rounds <= MAX_ROUNDS; rounds++) {
    const outcome = await run(round);
    if (!(outcome instanceof Asking)) return outcome;
    round = {
      answers: await ask(server, signal, outcome.questions),
      requestState: outcome.requestState,
    };
  }
  throw new FeatureError(`This has asked ${MAX_ROUNDS} times without coming to an end.`);
}

async function ask(
  server: Server,
  signal: AbortSignal,
  questions: Readonly<Record<string, Question>>,
): Promise<Answers> {
  for (const question of Object.values(questions)) {
    const kind = KINDS[question.method];
    if (canAsk(server.getClientCapabilities(), kind)) continue;
    throw new FeatureError(`This app cannot answer what this asks for: it lacks "${kind}".`);
  }
  const answers = Object.entries(questions).map(async ([key, question]) => {
    return [key, await put(server, signal, question)] as const;
  });
  try {
    return Object.fromEntries(await Promise.all(answers));
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new FeatureError("This app was asked for something and has not answered.", { cause });
  }
}

const KINDS: Readonly<Record<Question["method"], QuestionKind>> = {
  "elicitation/create": "elicitation",
  "sampling/createMessage": "sampling",
  "roots/list": "roots",
};

function put(server: Server, signal: AbortSignal, question: Question): Promise<unknown> {
  const options = { signal, timeout: ROUND_TIMEOUT_MS };
  switch (question.method) {
    case "elicitation/create":
      return server.elicitInput(ElicitRequestFormParamsSchema.parse(question.params), options);
    case "sampling/createMessage":
      return server.createMessage(CreateMessageRequestParamsSchema.parse(question.params), options);
    case "roots/list":
      return server.listRoots(undefined, options);
  }
}
