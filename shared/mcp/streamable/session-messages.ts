import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import type { Log } from "../../log.ts";
import type { Instances } from "../../relay/instances.ts";
import type { Lease } from "../../relay/lease.ts";
import type { Sender } from "../../relay/sender.ts";
import type { Caller } from "../../sessions/bearer.ts";
import { isCancellation, isRequest } from "../json-rpc.ts";
import { addressed } from "./request-ids.ts";
import type { ExchangeTerms, SessionExchanges } from "./session-exchanges.ts";
import type { SessionTransport } from "./session-transport.ts";

export interface SessionMessagesDeps {
  readonly instances: Instances;
  readonly lease: Lease;
  readonly sender: Sender;
  readonly log: Log;
}

/**
 * The messages of a session's client at this instance: requests are answered here, and what is about a request that
 * another instance has made, or is answering, goes there.
 */
export class SessionMessages {
  readonly #deps: SessionMessagesDeps;
  readonly #session: string;
  readonly #transport: SessionTransport;
  readonly #exchanges: SessionExchanges;

  /** @param session Its id. */
  constructor(
    deps: SessionMessagesDeps,
    session: string,
    transport: SessionTransport,
    exchanges: SessionExchanges,
  ) {
    this.#deps = deps;
    this.#session = session;
    this.#transport = transport;
    this.#exchanges = exchanges;
  }

  /** Answers a body with requests. */
  answer(
    messages: readonly JSONRPCMessage[],
    caller: Caller,
    terms: Omit<ExchangeTerms, "ids">,
  ): Promise<Response> {
    const ids = messages.filter(isRequest).map(({ id }) => id);
    const exchange = this.#exchanges.open({ ids, ...terms });
    for (const message of messages) {
      if (isRequest(message)) this.#transport.receive(message, caller, exchange);
      else this.take(message, caller).catch((error: unknown) => this.#failed(error));
    }
    return exchange.response;
  }

  /** Whether a request with this id is being answered here. */
  has(id: unknown): boolean {
    return this.#transport.has(id);
  }

  /**
   * Takes a message that is not answered: a response, or a notification.
   *
   * @throws StorageUnavailable
   */
  async take(message: JSONRPCMessage, caller: Caller): Promise<void> {
    const { instances, lease, sender } = this.#deps;
    const envelope = {
      kind: "message",
      connection: this.#session,
      caller,
      message,
    } as const;
    const to = addressed(message);
    if (to !== undefined && to.instance !== lease.id) {
      if (await instances.isLive(to.instance)) await sender.send(to.instance, envelope);
    } else if (isCancellation(message) && !this.has(message.params?.["requestId"])) {
      await sender.broadcast(envelope);
    } else {
      this.#transport.receive(to?.message ?? message, caller);
    }
  }

  /** Takes what was posted to another instance and is for this one. */
  receive(message: JSONRPCMessage, caller: Caller): void {
    const to = addressed(message);
    if (to?.instance === this.#deps.lease.id) this.#transport.receive(to.message, caller);
    else if (isCancellation(message)) this.#transport.receive(message, caller);
  }

  #failed(error: unknown): void {
    this.#deps.log.error("session-message-failed", error, { connection: this.#session });
  }
}
