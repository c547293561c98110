import type { ServerEvent, ServerEventBus } from "@modelcontextprotocol/server";
import { z } from "zod";
import type { Change } from "../../features/call.ts";
import type { Session } from "../../sessions/sessions.ts";
import type { Caller } from "../../sessions/bearer.ts";
import type { Connection } from "../connections.ts";

/** The part of `subscriptions/listen` that is read here. */
const listenRequest = z.object({
  method: z.literal("subscriptions/listen"),
  params: z.object({ notifications: z.object({ resourceSubscriptions: z.array(z.string()) }) }),
});

/**
 * `subscriptions/listen` (MCP 2026-07-28): a stream on which a client hears of changes. To the SDK it is the
 * bus of one subscription, on which nothing but this person's changes are published.
 */
export class ListenConnection implements Connection, ServerEventBus {
  readonly id: string;
  readonly userKey: string;
  readonly sessionId: string;
  readonly session: Session;
  readonly streaming = true;
  readonly subscriptions: readonly string[];
  readonly #end: () => Promise<void>;
  readonly #onEnd: () => void;
  #listener: ((event: ServerEvent) => void) | undefined;

  /**
   * @param request `subscriptions/listen`, as the client has sent it; the SDK judges it.
   * @param end Ends the stream with its result, as the protocol has it.
   * @param onEnd Called when the subscription ends, whoever ends it.
   */
  constructor(
    id: string,
    { session }: Caller,
    request: unknown,
    end: () => Promise<void>,
    onEnd: () => void,
  ) {
    this.id = id;
    this.userKey = session.userKey;
    this.sessionId = session.id;
    this.session = session;
    this.subscriptions = subscribedIn(request);
    this.#end = end;
    this.#onEnd = onEnd;
  }

  /** Whether there is a subscription: one to nothing ends before it begins. */
  get listening(): boolean {
    return this.#listener !== undefined;
  }

  subscribe(listener: (event: ServerEvent) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
      this.#onEnd();
    };
  }

  publish(event: ServerEvent): void {
    this.#listener?.(event);
  }

  wants(uri: string): boolean {
    return this.subscriptions.includes(uri);
  }

  async announce(change: Change): Promise<void> {
    this.publish(toEvent(change));
  }

  /** Nothing is sent to it: the client asks with requests of their own. */
  receive(): void {}

  /** Its row never changes. */
  async refresh(): Promise<void> {}

  async takeAnswersOf(): Promise<void> {}

  async handOver(): Promise<boolean> {
    return false;
  }

  close(): Promise<void> {
    return this.#end();
  }
}

/** @returns The resources that `subscriptions/listen` subscribes to; none for any other request. */
export function subscribedIn(request: unknown): readonly string[] {
  const { params } = listenRequest.safeParse(request).data ?? {};
  return params?.notifications.resourceSubscriptions ?? [];
}

function toEvent(change: Change): ServerEvent {
  switch (change.kind) {
    case "resource-updated":
      return { kind: "resource_updated", uri: change.uri };
    case "tools-changed":
      return { kind: "tools_list_changed" };
    case "resources-changed":
      return { kind: "resources_list_changed" };
    case "prompts-changed":
      return { kind: "prompts_list_changed" };
  }
}
