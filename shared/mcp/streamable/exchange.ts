import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import type { ClientConnection } from "../../http/client-connection.ts";
import {
  BACKLOG_LIMIT_BYTES,
  EVENT_STREAM_HEADERS,
  EventStreamBody,
  type StreamEnd,
} from "../event-stream-body.ts";
import { isAnswer } from "../json-rpc.ts";
import { unfinished } from "../instance-gone.ts";
import type { KeptStream } from "./kept-stream.ts";
import { JSON_WITHIN_MS } from "./patient-response.ts";

/**
 * What is remembered of a stream, for a client that has lost it: all that it may not have taken. That is the
 * event that was written last, and so much before it as a client may leave unread.
 */
const REMEMBERED_BYTES = BACKLOG_LIMIT_BYTES;

export interface ExchangeOptions {
  /** Of the requests in the body. */
  readonly ids: readonly RequestId[];
  /** Whether they came as a batch, and are answered as one (2025-03-26). */
  readonly batch: boolean;
  /** Whether the stream begins with an id and an empty event, which clients before 2025-11-25 cannot read. */
  readonly primed: boolean;
  /** Called when it comes to a stream; undefined where that cannot be resumed. */
  readonly resumable: (() => ResumableStream) | undefined;
  readonly client: ClientConnection;
  /** Called when all requests are answered. */
  readonly onAnswered: () => void;
}

/** What a stream needs so that its client can lose it and find it again. */
export interface ResumableStream {
  readonly name: string;
  readonly eventId: (sequence: number) => string;
  /** Where it goes when its client has gone. */
  readonly kept: KeptStream;
}

interface Remembered {
  readonly sequence: number;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

/**
 * One `POST` with requests and what answers it (MCP 2025-11-25, Streamable HTTP): JSON, where all that is
 * said is the answers, within a second; else an event stream that its client can lose and find again.
 */
export class Exchange {
  readonly response: Promise<Response>;
  readonly #options: ExchangeOptions;
  readonly #pending: Set<RequestId>;
  readonly #resolve: (response: Response) => void;
  readonly #patience: NodeJS.Timeout;
  #answers: JSONRPCMessage[] = [];
  #remembered: Remembered[] = [];
  #rememberedBytes = 0;
  #sequence = 0;
  #body: EventStreamBody | undefined;
  #resumable: ResumableStream | undefined;
  #keeping = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#pending = new Set(options.ids);
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.response = promise;
    this.#resolve = resolve;
    this.#patience = setTimeout(() => this.#stream(), JSON_WITHIN_MS);
  }

  /** Takes what the server says to these requests. */
  send(message: JSONRPCMessage): void {
    const answered =
      isAnswer(message) && message.id !== undefined && this.#pending.delete(message.id);
    if (answered && this.#body === undefined) {
      this.#answers.push(message);
      if (this.#pending.size === 0) this.#answerWithJson();
      return;
    }
    if (this.#body === undefined) this.#stream();
    this.#say(message);
    if (this.#pending.size === 0) this.#end();
  }

  /** The client has given up a request: it is not answered, and does not keep the others waiting. */
  cancelled(id: RequestId): void {
    if (!this.#pending.has(id)) return;
    if (this.#body === undefined && this.#pending.size === 1) {
      // MCP 2025-11-25, cancellation: no answer is sent.
      this.#pending.clear();
      clearTimeout(this.#patience);
      this.#resolve(new Response(null, { status: 202 }));
      this.#options.onAnswered();
      return;
    }
    // A stream that ends without an answer is taken for one that broke off, and resumed for ever.
    this.send(unfinished(id, "The request was cancelled."));
  }

  /** Fails what is not answered yet. @param why In words that the client can show. */
  fail(why: string): void {
    for (const id of this.#pending) this.send(unfinished(id, why));
  }

  /** Its client has come back for the stream, maybe to another instance: it goes on from what is written down. */
  handOver(): void {
    if (this.#body?.open === true) this.#body.abandon();
    else this.#keep();
    this.#resumable?.kept.handOver({ running: this.#pending.size > 0 });
  }

  /** The name of the stream that a client may come back for, if it has come to one. */
  get stream(): string | undefined {
    return this.#resumable?.name;
  }

  /** Resolves when all that has to be written down is. */
  async written(): Promise<void> {
    await this.#resumable?.kept.written;
  }

  #answerWithJson(): void {
    clearTimeout(this.#patience);
    this.#resolve(Response.json(this.#options.batch ? this.#answers : this.#answers[0]));
    this.#options.onAnswered();
  }

  #stream(): void {
    const { client, resumable, primed } = this.#options;
    clearTimeout(this.#patience);
    const body = new EventStreamBody(client, (end) => this.#ended(end));
    this.#body = body;
    // Who has gone before the first id can never come back for the rest.
    if (!client.disconnected.aborted) this.#resumable = resumable?.();
    if (primed && this.#resumable !== undefined) {
      body.block(`id: ${this.#resumable.eventId(0)}\ndata: `);
    }
    body.keepAlive();
    body.endWith(client.disconnected);
    this.#resolve(new Response(body.stream, { headers: EVENT_STREAM_HEADERS }));
    const earlier = this.#answers;
    this.#answers = [];
    for (const answer of earlier) this.#say(answer);
  }

  #say(message: JSONRPCMessage): void {
    const data = JSON.stringify(message);
    const event = `event: message\ndata: ${data}`;
    if (this.#resumable === undefined) {
      this.#body?.block(event);
      return;
    }
    const { eventId, kept } = this.#resumable;
    const sequence = (this.#sequence += 1);
    const last = { sequence, message, bytes: data.length };
    this.#remember(last);
    // Who breaks off at this very event has it written down with those before it.
    const keeping = this.#keeping;
    this.#body?.block(`id: ${eventId(sequence)}\n${event}`);
    if (keeping) kept.keep(sequence, message);
    this.#forgetTaken(last);
  }

  #remember(event: Remembered): void {
    this.#remembered.push(event);
    this.#rememberedBytes += event.bytes;
  }

  /** Of the oldest nothing is unread where those between it and the last one fill the backlog already. */
  #forgetTaken(last: Remembered): void {
    for (let [oldest] = this.#remembered; oldest !== undefined; [oldest] = this.#remembered) {
      if (this.#rememberedBytes - oldest.bytes - last.bytes <= REMEMBERED_BYTES) return;
      this.#rememberedBytes -= oldest.bytes;
      this.#remembered.shift();
    }
  }

  #end(): void {
    this.#body?.end();
    this.#options.onAnswered();
  }

  #ended(end: StreamEnd): void {
    if (end !== "server") this.#keep();
  }

  /** From now on the stream is written down: what there is of it, and what follows. */
  #keep(): void {
    if (this.#resumable === undefined) return;
    this.#keeping = true;
    for (const { sequence, message } of this.#remembered) {
      this.#resumable.kept.keep(sequence, message);
    }
  }
}
