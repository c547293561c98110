import type { Wait } from "../wait.ts";
import { callEndpoint } from "./call-endpoint.ts";
import type { EndpointAnswer } from "./call-endpoint.ts";

/** How long the first attempt may take, and every later one. */
const FIRST_TIMEOUT_MS = 3_000;
const LATER_TIMEOUT_MS = 10_000;

/** The pauses between attempts: doubled each time, two minutes in all, where the real Graph goes on for four hours. */
export const RETRY_DELAYS_MS = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000];

/** Is told what came of an attempt. */
export type OnAnswer = (answer: EndpointAnswer) => void;

/**
 * Posts a message to a subscriber until it is answered with a 2xx.
 *
 * @param onAttempt is told of each attempt, and returns what is to be told of its answer
 * @param signal calls it off
 * @returns `"taken"`, `"refused"` where no attempt succeeded, or `"called off"`
 */
export async function deliver(
  wait: Wait,
  url: string,
  body: string,
  onAttempt: () => OnAnswer,
  signal: AbortSignal,
): Promise<"taken" | "refused" | "called off"> {
  for (const [attempt, pauseMs] of [0, ...RETRY_DELAYS_MS].entries()) {
    if (!(await wait(pauseMs, signal))) {
      return "called off";
    }
    const timeoutMs = attempt === 0 ? FIRST_TIMEOUT_MS : LATER_TIMEOUT_MS;
    const onAnswer = onAttempt();
    const answer = await callEndpoint(
      wait,
      new URL(url),
      { contentType: "application/json; charset=utf-8", body },
      { timeoutMs, signal },
    );
    onAnswer(answer);
    if (typeof answer === "object" && answer.status >= 200 && answer.status < 300) {
      return "taken";
    }
  }
  return signal.aborted ? "called off" : "refused";
}
