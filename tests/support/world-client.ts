import type { Clock } from "../../shared/clock.ts";
import type { TestApp } from "./test-app.ts";

/** What a client can reach. */
export interface Reachable {
  readonly app: TestApp;
  /** Resolves when it is there no more: nothing that it still says arrives. */
  readonly gone: Promise<void>;
}

/** A call as its client knows it. */
export interface Call {
  readonly id: string;
  /** Where its client expects the answer first. */
  readonly stream: { readonly ended: boolean };
  accepted: boolean;
  answers: number;
}

/** When a client comes back whose stream has ended (ms). */
export const RETRY_MS = 500;

const LOOK_EVERY_MS = 100;

let ids = 0;

/** A client that comes back whenever it loses a stream, and remembers what it was told. */
export abstract class WorldClient {
  readonly calls: Call[] = [];
  protected readonly token: string;
  protected readonly clock: Clock;
  protected readonly front: () => Reachable;
  protected left = false;
  readonly #busy = new Set<Promise<void>>();

  /** @param front Finds an instance for a request. */
  constructor(token: string, clock: Clock, front: () => Reachable) {
    this.token = token;
    this.clock = clock;
    this.front = front;
  }

  abstract connect(): Promise<void>;

  /** Calls the tool `count`, by way of any instance, and does not wait for the answer. */
  abstract post(instance: Reachable, wait: boolean): void;

  /** What it has open breaks. */
  abstract drop(): Promise<void>;

  /** Resolves when nothing is `open` any more, or will not be closed in this time (ms). */
  async settled(open: (call: Call) => boolean, withinMs: number): Promise<void> {
    for (let looks = 0; looks < withinMs / LOOK_EVERY_MS; looks++) {
      if (this.#busy.size === 0 && !this.calls.some(open)) return;
      await this.clock.sleep(LOOK_EVERY_MS);
    }
  }

  async leave(): Promise<void> {
    this.left = true;
    await this.drop();
  }

  /** A call that is about to be made, and its message. */
  protected begin(stream: Call["stream"], wait: boolean) {
    const id = `call-${++ids}`;
    const call: Call = { id, stream, accepted: false, answers: 0 };
    this.calls.push(call);
    const _meta = { progressToken: id };
    const params = { name: "count", arguments: { text: id, wait }, _meta };
    return { call, message: { jsonrpc: "2.0" as const, id, method: "tools/call", params } };
  }

  /** Nothing is settled before this is. */
  protected whileBusy(work: Promise<void>): void {
    this.#busy.add(work);
    void work.finally(() => this.#busy.delete(work));
  }

  /** Takes what the server says. */
  protected take(message: Readonly<Record<string, unknown>>): void {
    if ("method" in message) return;
    const call = this.calls.find(({ id }) => id === message["id"]);
    if (call !== undefined) call.answers += 1;
  }
}
