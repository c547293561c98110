import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../log.ts";
import type { Expiries } from "../../storage/expiries.ts";
import { NEVER, waitOutOutage } from "../outage-patience.ts";
import { keptOf, type WaitingAnswers } from "../waiting-answers.ts";

/** For so long a client may come back for what was written down last. */
const KEPT_MS = 3_600_000;

export interface KeptStreamDeps {
  readonly waitingAnswers: WaitingAnswers;
  readonly expiries: Expiries;
  readonly clock: Clock;
  readonly log: Log;
}

/** @returns The partition of a stream: only who has the session can name it. */
export function keptStreamName(mcpSession: string, stream: string): string {
  return `${mcpSession}~${stream}`;
}

/** Before the first event: nothing of it goes to the client. */
const HAND_OVER = 0;

/** What the instance that writes a stream says to those who read it. */
export type HandOver = z.infer<typeof handOver>;
const handOver = z.object({ running: z.boolean() });

/** @returns What a kept message says to those who read the stream; undefined where it is an event of it. */
export function handedOver(sequence: number, message: JSONRPCMessage): HandOver | undefined {
  if (sequence !== HAND_OVER || !("params" in message)) return undefined;
  return handOver.safeParse(message.params).data;
}

/** A stream that is written down because its client has gone, for any instance to read. */
export class KeptStream {
  readonly #deps: KeptStreamDeps;
  readonly #name: string;
  #written: Promise<void> = Promise.resolve();
  #notedUntil = -Infinity;

  constructor(deps: KeptStreamDeps, name: string) {
    this.#deps = deps;
    this.#name = name;
  }

  /** Writes an event after those before it. What cannot be written within a minute is lost, and logged. */
  keep(sequence: number, message: JSONRPCMessage): void {
    this.#written = this.#written.then(() => this.#write(sequence, message));
  }

  /**
   * Says that all there is has been written.
   *
   * @param running Whether more will follow.
   */
  handOver({ running }: HandOver): void {
    const params = { running };
    this.keep(HAND_OVER, { jsonrpc: "2.0", method: "notifications/handed-over", params });
  }

  /** Resolves when all of it is written. */
  get written(): Promise<void> {
    return this.#written;
  }

  async #write(sequence: number, message: JSONRPCMessage): Promise<void> {
    const { clock, log, waitingAnswers } = this.#deps;
    try {
      await waitOutOutage(clock, NEVER, async () => {
        await this.#note();
        await waitingAnswers.write(this.#name, sequence, message);
      });
    } catch (error) {
      log.error("event-not-kept", error, { stream: this.#name });
    }
  }

  /** Whoever comes too late, or never: the sweep finds it. */
  async #note(): Promise<void> {
    const now = this.#deps.clock.now();
    if (now + KEPT_MS / 2 < this.#notedUntil) return;
    const until = now + KEPT_MS;
    await this.#deps.expiries.note(keptOf(this.#name), until);
    this.#notedUntil = until;
  }
}
