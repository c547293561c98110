import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Change } from "../features/call.ts";
import type { Log } from "../log.ts";
import { Announcer } from "../mcp/announcer.ts";
import type { ConnectionRow, ConnectionRows } from "../mcp/connection-rows.ts";
import type { Connection, Connections } from "../mcp/connections.ts";
import type { StreamCheck } from "../mcp/stream-check.ts";
import { type Random, randomId } from "../random.ts";
import type { BearerCheck, Caller } from "../sessions/bearer.ts";
import type { Envelope } from "./envelope.ts";
import type { FastPath } from "./fast-path.ts";
import type { Inbox } from "./inbox.ts";
import type { Instances } from "./instances.ts";
import type { Lease } from "./lease.ts";
import type { PollPace } from "./poll-pace.ts";

/** How long the owner of a connection is remembered: it never changes, but the connection may end. */
const OWNER_CACHE_MS = 5_000;
const OWNERS_REMEMBERED = 10_000;

/** How often it is looked whether a message was taken: for a second and a half, more than an inbox is left alone. */
const LOOK_EVERY_MS = 25;
const MAX_LOOKS = 60;

/** A feed that has a new value. */
export interface FeedNews {
  readonly uri: string;
  /** Whom it is for; everybody where it is left out. */
  readonly userKeys?: string[] | undefined;
  /** The app role that its readers need. */
  readonly requiredRole?: string | undefined;
  /** Whether its readers have not had it listed before. */
  readonly isNew: boolean;
}

/** A message that may arrive by two ways is taken by the first: ids are remembered for ten minutes. */
const SEEN_MS = 600_000;
const SEEN_REMEMBERED = 100_000;

/**
 * How a message reaches the instance that holds its stream, wherever it was posted. Here, it is handed on in
 * memory; elsewhere, it goes to the inbox of that instance and is taken from there once. `station.ts` is the
 * other end.
 */
export class Relay {
  readonly #connections: Connections;
  readonly #rows: ConnectionRows;
  readonly #lease: Lease;
  readonly #instances: Instances;
  readonly #inbox: Inbox;
  readonly #fastPath: FastPath | undefined;
  readonly #pace: PollPace;
  readonly #bearer: BearerCheck;
  readonly #streamCheck: StreamCheck;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #announcer = new Announcer();
  readonly #owners = new LRUCache<string, { row: ConnectionRow; readAt: number }>({
    max: OWNERS_REMEMBERED,
  });
  readonly #seen = new LRUCache<string, true>({ max: SEEN_REMEMBERED, ttl: SEEN_MS });

  constructor(deps: {
    connections: Connections;
    connectionRows: ConnectionRows;
    lease: Lease;
    instances: Instances;
    inbox: Inbox;
    fastPath: FastPath | undefined;
    pace: PollPace;
    bearer: BearerCheck;
    streamCheck: StreamCheck;
    clock: Clock;
    random: Random;
    log: Log;
  }) {
    this.#connections = deps.connections;
    this.#rows = deps.connectionRows;
    this.#lease = deps.lease;
    this.#instances = deps.instances;
    this.#inbox = deps.inbox;
    this.#fastPath = deps.fastPath;
    this.#pace = deps.pace;
    this.#bearer = deps.bearer;
    this.#streamCheck = deps.streamCheck;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#log = deps.log;
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
      if (!isOf(here, caller) || !(await this.#lease.holdForOwn())) return "unknown";
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
    await this.send(instance, { kind: "message", connection: connectionId, caller, message });
    return "accepted";
  }

  /**
   * Tells every client of a person about a change, wherever its stream is.
   *
   * @param others As {@link othersOf} has found them; it looks for itself where they are left out.
   */
  async announce(userKey: string, change: Change, others?: readonly string[]): Promise<void> {
    this.#announcer.announce(this.#connections.of(userKey), change);
    const reached = others ?? (await this.othersOf(userKey));
    await Promise.all(
      reached.map((instance) => this.send(instance, { kind: "change", userKey, change })),
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
    this.#announceFeedHere(news);
    await this.broadcast({ kind: "feed", ...news });
  }

  /**
   * Has every instance look at a session that is about to end, or whose tokens are about to be refused:
   * whoever says so may be gone before it can say more.
   *
   * @throws StorageUnavailable, where an instance may not have heard it.
   */
  async doubtSession(sessionId: string): Promise<void> {
    this.#streamCheck.doubt(sessionId);
    await this.broadcast({ kind: "session-doubted", sessionId });
  }

  /** Closes the streams of a session that has ended: here at once, elsewhere as soon as it is heard there. */
  async endSession(sessionId: string): Promise<void> {
    await this.#connections.closeSession(sessionId);
    await this.broadcast({ kind: "session-ended", sessionId });
  }

  /**
   * Tells every other instance. One that cannot be reached just now finds it when it can.
   *
   * @param options.taken Waits until all that are there have taken it, but not for long.
   */
  async broadcast(envelope: Envelope, options: { taken?: boolean } = {}): Promise<void> {
    // Who has just come must not miss the end of something; of a feed it reads the newest value anyway.
    const all = await this.#instances.all({ fresh: envelope.kind !== "feed" });
    const others = all.filter((it) => it !== this.#lease.id);
    const sent = await Promise.all(
      others.map(async (instance) => ({ instance, id: await this.send(instance, envelope) })),
    );
    if (options.taken === true) await Promise.all(sent.map((it) => this.#taken(it)));
  }

  /**
   * Sends a message to one instance. It is safe once this returns: taken, or in its inbox.
   *
   * @returns Its id, where it is in the inbox.
   * @throws StorageUnavailable
   */
  async send(instance: string, envelope: Envelope): Promise<string | undefined> {
    const id = randomId(this.#random);
    const sent = (await this.#fastPath?.send(instance, id, envelope)) ?? "refused";
    if (sent === "taken") return undefined;
    await this.#inbox.write(instance, id, envelope, sent === "refused" ? "allowed" : "forbidden");
    return id;
  }

  /**
   * Takes over what was accepted for a connection whose instance is gone, and runs it on the one that has
   * followed it: it has not run, for that instance has lost its lease.
   *
   * @throws StorageUnavailable
   */
  async takeOver(gone: ConnectionRow, successor: Connection): Promise<void> {
    const waiting = await this.#inbox.waiting(gone.value.instance);
    for (const message of waiting) {
      if (message.connection !== gone.key.row || message.takeOver === "forbidden") continue;
      if (this.#seen.has(message.id)) continue;
      // Read before it is claimed: what an outage interrupts is there to be taken over again.
      const envelope = await this.#inbox.open(message);
      if (envelope === undefined) continue;
      if (this.#connections.get(successor.id) !== successor) return;
      if (!(await this.#inbox.claim(message, successor.id))) continue;
      this.#seen.set(message.id, true);
      if (envelope.kind === "message") successor.receive(envelope.message, envelope.caller);
      await this.#inbox.remove(message);
    }
  }

  /** Takes a message that another instance has sent, by whichever way. */
  async receive(id: string, envelope: Envelope): Promise<void> {
    if (this.#seen.has(id)) return;
    this.#seen.set(id, true);
    this.#pace.relayed(this.#clock.now());
    try {
      await this.#handOn(envelope);
    } catch (error) {
      // One that fails must not keep the others.
      this.#log.error("relayed-message-failed", error, { message: id, kind: envelope.kind });
    }
  }

  async #handOn(envelope: Envelope): Promise<void> {
    switch (envelope.kind) {
      case "message": {
        const connection = await this.#connectionOf(envelope.connection, envelope.caller);
        if (connection === undefined) {
          // The word that a call is cancelled goes to all instances, of which one at most has it.
          if (isCancellation(envelope.message)) return;
          this.#log.warn("relayed-message-too-late", { connection: envelope.connection });
          return;
        }
        connection.receive(envelope.message, envelope.caller);
        return;
      }
      case "change": {
        const { change, userKey } = envelope;
        this.#announcer.announce(this.#connections.of(userKey), change);
        return;
      }
      case "feed":
        this.#announceFeedHere(envelope);
        return;
      case "session-doubted":
        this.#streamCheck.doubt(envelope.sessionId);
        return;
      case "session-ended":
        this.#bearer.forget(envelope.sessionId);
        await this.#connections.closeSession(envelope.sessionId);
        return;
      case "connection-ended":
        await this.#connections.find(envelope.connection)?.close("client");
        return;
      case "connection-changed":
        await this.#connections.find(envelope.connection)?.refresh();
        return;
      case "stream-resumed":
        await this.#connections.get(envelope.connection)?.handOver(envelope.stream);
        return;
      case "answers-waiting":
        // Not awaited: it waits for its client's first word, and nothing else that arrives has to.
        this.#connections
          .get(envelope.connection)
          ?.takeAnswersOf(envelope.from)
          .catch((error: unknown) => {
            const { connection } = envelope;
            this.#log.error("connection-not-recovered", error, { connection });
          });
        return;
    }
  }

  /** @returns The connection, if it is the caller's. */
  async #connectionOf(id: string, caller: Caller): Promise<Connection | undefined> {
    const connection = this.#connections.get(id);
    if (connection === undefined || isOf(connection, caller)) return connection;
    // Its client may have signed in again, and the word of that be still on its way.
    await connection.refresh();
    const refreshed = this.#connections.get(id);
    return refreshed !== undefined && isOf(refreshed, caller) ? refreshed : undefined;
  }

  #announceFeedHere({ uri, userKeys, requiredRole, isNew }: FeedNews): void {
    const own = userKeys?.flatMap((userKey) => this.#connections.of(userKey));
    const readers = (own ?? this.#connections.all()).filter(
      ({ session }) => requiredRole === undefined || session.roles.includes(requiredRole),
    );
    if (isNew) this.#announcer.announce(readers, { kind: "resources-changed" });
    this.#announcer.announce(readers, { kind: "resource-updated", uri });
  }

  /** Waits until a message is out of an inbox. */
  async #taken({ instance, id }: { instance: string; id: string | undefined }): Promise<void> {
    if (id === undefined) return;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const waiting = await this.#inbox.waiting(instance);
      // Taken is not done yet: one more look's time for that.
      await this.#clock.sleep(LOOK_EVERY_MS);
      if (!waiting.some((message) => message.id === id)) return;
    }
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

function isCancellation(message: JSONRPCMessage): boolean {
  return "method" in message && message.method === "notifications/cancelled";
}

function isOf(connection: Connection, { session }: Caller): boolean {
  return connection.sessionId === session.id && connection.userKey === session.userKey;
}
