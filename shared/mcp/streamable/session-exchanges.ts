import type { RequestId } from "@modelcontextprotocol/server";
import type { ClientConnection } from "../../http/client-connection.ts";
import { type Random, randomId } from "../../random.ts";
import { formatEventId } from "./event-id.ts";
import { Exchange, type ResumableStream } from "./exchange.ts";
import { KeptStream, type KeptStreamDeps, keptStreamName } from "./kept-stream.ts";

/** For so long what was said last is remembered: a client that has not got it comes back soon. */
const REMEMBERED_MS = 60_000;
const REMEMBERED = 16;

/** What an exchange needs to know of the session and of its client. */
export interface ExchangeTerms {
  readonly ids: readonly RequestId[];
  readonly batch: boolean;
  /** Whether its client can read an event without data. */
  readonly primed: boolean;
  readonly client: ClientConnection;
}

/** The exchanges of a session at this instance: those in progress, and those that have just ended. */
export class SessionExchanges {
  readonly #deps: KeptStreamDeps & { random: Random };
  readonly #mcpSession: string;
  readonly #instance: () => string;
  readonly #onRest: () => void;
  readonly #inProgress = new Set<Exchange>();
  readonly #ended = new Map<string, Exchange>();
  #allAnswered = Promise.withResolvers<void>();

  /** @param onRest Called when nothing is in progress any more. */
  constructor(
    deps: KeptStreamDeps & { random: Random },
    mcpSession: string,
    instance: () => string,
    onRest: () => void,
  ) {
    this.#deps = deps;
    this.#mcpSession = mcpSession;
    this.#instance = instance;
    this.#onRest = onRest;
  }

  get inProgress(): number {
    return this.#inProgress.size;
  }

  /** Begins to answer a `POST`. */
  open({ ids, batch, primed, client }: ExchangeTerms): Exchange {
    const [request] = ids;
    // A batch has no one request that an instance which knows nothing else could fail.
    const resumable =
      batch || request === undefined ? undefined : () => this.#resumableStream(request);
    const onAnswered = () => this.#answered(exchange);
    const exchange = new Exchange({ ids, batch, primed, client, resumable, onAnswered });
    this.#inProgress.add(exchange);
    return exchange;
  }

  /** A client comes back for a stream: it is written down. @returns Whether it is known here. */
  handOver(stream: string): boolean {
    const inProgress = [...this.#inProgress].find((exchange) => exchange.stream === stream);
    const exchange = inProgress ?? this.#ended.get(stream);
    exchange?.handOver();
    return exchange !== undefined;
  }

  /** Resolves when nothing is in progress. */
  allAnswered(): Promise<void> {
    if (this.#inProgress.size === 0) return Promise.resolve();
    this.#allAnswered = Promise.withResolvers();
    return this.#allAnswered.promise;
  }

  /** Resolves when all that has to be written down is. */
  async written(): Promise<void> {
    const exchanges = [...this.#inProgress, ...this.#ended.values()];
    await Promise.all(exchanges.map((exchange) => exchange.written()));
  }

  /** Fails what is in progress. @param why For the person. */
  fail(why: string): void {
    for (const exchange of this.#inProgress) exchange.fail(why);
  }

  #resumableStream(request: RequestId): ResumableStream {
    const instance = this.#instance();
    const stream = randomId(this.#deps.random);
    return {
      name: stream,
      eventId: (sequence) => formatEventId({ instance, stream, sequence, request }),
      kept: new KeptStream(this.#deps, keptStreamName(this.#mcpSession, stream)),
    };
  }

  #answered(exchange: Exchange): void {
    this.#inProgress.delete(exchange);
    if (exchange.stream !== undefined) this.#remember(exchange.stream, exchange);
    if (this.#inProgress.size > 0) return;
    this.#allAnswered.resolve();
    this.#onRest();
  }

  #remember(stream: string, exchange: Exchange): void {
    this.#ended.set(stream, exchange);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
    setTimeout(() => this.#ended.delete(stream), REMEMBERED_MS).unref();
  }
}
