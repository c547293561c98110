import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Change } from "../features/call.ts";
import type { Announcer, FeedNews } from "../mcp/announcer.ts";
import type { ConnectionRow, ConnectionRows } from "../mcp/connection-rows.ts";
import { belongsTo, type Connections } from "../mcp/connections.ts";
import type { StreamCheck } from "../mcp/stream-check.ts";
import type { Caller } from "../sessions/bearer.ts";
import type { Instances } from "./instances.ts";
import type { Lease } from "./lease.ts";
import type { PollPace } from "./poll-pace.ts";
import type { Sender } from "./sender.ts";

/** How long the owner of a connection is remembered: it never changes, but the connection may end. */
const OWNER_CACHE_MS = 5_000;
const OWNERS_REMEMBERED = 10_000;

/**
 * How what is said at this instance reaches the streams that it is for, wherever they are. Here, it is handed on
 * in memory; the other instances are told by the `Sender`, and their `Receiver` hands it on there.
 */
export class Relay {
  readonly #connections: Connections;
  readonly #announcer: Announcer;
  readonly #rows: ConnectionRows;
  readonly #sender: Sender;
  readonly #lease: Lease;
  readonly #instances: Instances;
  readonly #pace: PollPace;
  readonly #streamCheck: StreamCheck;
  readonly #clock: Clock;
  readonly #owners = new LRUCache<string, { row: ConnectionRow; readAt: number }>({
    max: OWNERS_REMEMBERED,
  });

  constructor(deps: {
    connections: Connections;
    announcer: Announcer;
    connectionRows: ConnectionRows;
    sender: Sender;
    lease: Lease;
    instances: Instances;
    pace: PollPace;
    streamCheck: StreamCheck;
    clock: Clock;
  }) {
    this.#connections = deps.connections;
    this.#announcer = deps.announcer;
    this.#rows = deps.connectionRows;
    this.#sender = deps.sender;
    this.#lease = deps.lease;
    this.#instances = deps.instances;
    this.#pace = deps.pace;
    this.#streamCheck = deps.streamCheck;
    this.#clock = deps.clock;
  }

  /**
   * Hands a message of a client to its connection.
   *
   * @returns "accepted": it runs once, or its stream closes. "unknown": there is no such connection, it is
   *   another session's, or the instance that held it is gone.
   * @throws StorageUnavailable
   */
  async deliver(
    connectionId: string,
    caller: Caller,
    message: JSONRPCMessage,
  ): Promise<"accepted" | "unknown"> {
    const here = this.#connections.get(connectionId);
    if (here !== undefined) {
      if (!belongsTo(here, caller) || !(await this.#lease.holdForOwn())) return "unknown";
      // It may have been closed meanwhile, and would run what nobody gets the answer to.
      if (this.#connections.get(connectionId) !== here) return "unknown";
      this.#pace.traffic(this.#clock.now());
      here.receive(message, caller);
      return "accepted";
    }
    const row = await this.#row(caller.session.userKey, connectionId);
    // A connection id never authenticates: the caller's own session must have opened it.
    if (row?.value.sessionId !== caller.session.id) return "unknown";
    const { instance } = row.value;
    if (instance === this.#lease.id || !(await this.#instances.isLive(instance))) return "unknown";
    await this.#sender.send(instance, {
      kind: "message",
      connection: connectionId,
      caller,
      message,
    });
    return "accepted";
  }

  /**
   * Tells every client of a person about a change, wherever its stream is.
   *
   * @param others As {@link othersOf} has found them; it looks for itself where they are left out.
   */
  async announce(userKey: string, change: Change, others?: readonly string[]): Promise<void> {
    this.#announcer.announce(userKey, change);
    const reached = others ?? (await this.othersOf(userKey));
    await Promise.all(
      reached.map((instance) => this.#sender.send(instance, { kind: "change", userKey, change })),
    );
  }

  /** @returns The other instances that hold streams of a person. */
  async othersOf(userKey: string): Promise<string[]> {
    // Which instances there are is known by the time it is asked.
    const [rows] = await Promise.all([this.#rows.of(userKey), this.#instances.all()]);
    const others = new Set(rows.map(({ value }) => value.instance).filter((it) => it !== ""));
    others.delete(this.#lease.id);
    const live = await Promise.all([...others].map((it) => this.#instances.isLive(it)));
    return [...others].filter((_, n) => live[n]);
  }

  /** Tells those who have subscribed to a feed, and may read it, that it has a new value. */
  async announceFeed(news: FeedNews): Promise<void> {
    this.#announcer.announceFeed(news);
    await this.#sender.broadcast({ kind: "feed", ...news });
  }

  /**
   * Has every instance look at a session that is about to end, or whose tokens are about to be refused:
   * whoever says so may be gone before it can say more.
   *
   * @throws StorageUnavailable, where an instance may not have heard it.
   */
  async doubtSession(sessionId: string): Promise<void> {
    this.#streamCheck.doubt(sessionId);
    await this.#sender.broadcast({ kind: "session-doubted", sessionId });
  }

  /** Closes the streams of a session that has ended: here at once, elsewhere as soon as it is heard there. */
  async endSession(sessionId: string): Promise<void> {
    await this.#connections.closeSession(sessionId);
    await this.#sender.broadcast({ kind: "session-ended", sessionId });
  }

  async #row(userKey: string, connectionId: string): Promise<ConnectionRow | undefined> {
    const key = { partition: userKey, row: connectionId };
    const now = this.#clock.now();
    const known = this.#owners.get(connectionId);
    if (known?.row.key.partition === userKey && now - known.readAt < OWNER_CACHE_MS) {
      return known.row;
    }
    const row = await this.#rows.find(key);
    if (row === undefined) this.#owners.delete(connectionId);
    else this.#owners.set(connectionId, { row, readAt: now });
    return row;
  }
}
