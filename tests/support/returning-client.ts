import { z } from "zod";
import type { Clock } from "../../shared/clock.ts";
import { EventStream } from "./open-stream.ts";
import type { TestApp } from "./test-app.ts";

/** What a client can reach. */
export interface Reachable {
  readonly app: TestApp;
  /** Resolves when it is there no more: nothing that it still says arrives. */
  readonly gone: Promise<void>;
}

interface ClientStream {
  readonly events: EventStream;
  ended: boolean;
}

/** A call as its client knows it. */
export interface Call {
  readonly id: string;
  readonly stream: ClientStream;
  accepted: boolean;
  /** More than one where the keeping of an answer was not confirmed: clients know which ones they wait for. */
  answers: number;
}

/** When a client comes back whose stream has ended (ms). */
const RETRY_MS = 500;

const LOOK_EVERY_MS = 100;

const answer = z.object({ id: z.string() });

let ids = 0;

/** A client of HTTP+SSE that comes back whenever its stream ends, and remembers what it was told. */
export class ReturningClient {
  readonly calls: Call[] = [];
  readonly #token: string;
  readonly #clock: Clock;
  readonly #front: () => Reachable;
  readonly #posts = new Set<Promise<void>>();
  #stream: ClientStream | undefined;
  #left = false;

  /** @param front Finds an instance for a request. */
  constructor(token: string, clock: Clock, front: () => Reachable) {
    this.#token = token;
    this.#clock = clock;
    this.#front = front;
  }

  /** Opens a stream, at whichever instance has one for it. */
  async connect(): Promise<void> {
    while (!this.#left && this.#stream === undefined) {
      const { app, gone } = this.#front();
      const opening = EventStream.open(app, this.#token).catch(() => undefined);
      const events = await Promise.race([opening, gone]);
      if (events === undefined) {
        await this.#clock.sleep(RETRY_MS);
        continue;
      }
      this.#stream = { events, ended: false };
      void this.#read(this.#stream, gone);
    }
  }

  /** Calls the tool `count`, by way of any instance, and does not wait for the answer. */
  post({ app, gone }: Reachable, wait: boolean): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const id = `call-${++ids}`;
    const call: Call = { id, stream, accepted: false, answers: 0 };
    this.calls.push(call);
    const params = { name: "count", arguments: { text: id, wait } };
    const message = { jsonrpc: "2.0" as const, id, method: "tools/call", params };
    const posting = this.#follow(call, Promise.race([stream.events.post(message, app), gone]));
    this.#posts.add(posting);
    void posting.finally(() => this.#posts.delete(posting));
  }

  async #follow(call: Call, posted: Promise<Response | void>): Promise<void> {
    const response = await posted;
    call.accepted = response?.status === 202;
  }

  /** Its connection breaks. */
  async drop(): Promise<void> {
    await this.#stream?.events.drop();
  }

  /** Resolves when nothing is `open` any more, or will not be closed in this time (ms). */
  async settled(open: (call: Call) => boolean, withinMs: number): Promise<void> {
    for (let looks = 0; looks < withinMs / LOOK_EVERY_MS; looks++) {
      if (this.#posts.size === 0 && !this.calls.some(open)) return;
      await this.#clock.sleep(LOOK_EVERY_MS);
    }
  }

  async leave(): Promise<void> {
    this.#left = true;
    await this.drop();
  }

  async #read(stream: ClientStream, gone: Promise<void>): Promise<void> {
    for (;;) {
      const message = await Promise.race([stream.events.next(), gone]);
      if (message === undefined) break;
      const { data } = answer.safeParse(message);
      const call = this.calls.find(({ id }) => id === data?.id);
      if (call === undefined) continue;
      call.answers += 1;
    }
    stream.ended = true;
    this.#stream = undefined;
    await stream.events.drop();
    await this.#clock.sleep(RETRY_MS);
    await this.connect();
  }
}
