import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Change } from "../features/feature.ts";
import type { Log } from "../log.ts";
import { Announcer } from "../mcp/announcer.ts";
import type { ConnectionRow, ConnectionRows } from "../mcp/connection-rows.ts";
import type { Connection, Connections } from "../mcp/connections.ts";
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

  /** Tells every client of a person about a change, wherever its stream is. */
  async announce(userKey: string, change: Change): Promise<void> {
    this.#announcer.announce(this.#connections.of(userKey), change);
    const rows = await this.#rows.of(userKey);
    const others = new Set(rows.map(({ value }) => value.instance).filter((it) => it !== ""));
    others.delete(this.#lease.id);
    const live = await Promise.all([...others].map((it) => this.#instances.isLive(it)));
    const reached = [...others].filter((_, n) => live[n]);
    await Promise.all(
      reached.map((instance) => this.send(instance, { kind: "change", userKey, change })),
    );
  }

  /**
   * Tells those who have subscribed to a feed that it has a new value.
   *
   * @param userKeys Whom it is for; everybody where it is left out.
   */
  async announceFeed(uri: string, userKeys?: readonly string[]): Promise<void> {
    this.#announceFeedHere(uri, userKeys);
    await this.broadcast({ kind: "feed", uri, ...(userKeys && { userKeys: [...userKeys] }) });
  }

  /** Closes the streams of a session that has ended: here at once, elsewhere as soon as it is heard there. */
  async endSession(sessionId: string): Promise<void> {
    await this.#connections.closeSession(sessionId);
    await this.broadcast({ kind: "session-ended", sessionId });
  }

  /** Tells every other instance. One that cannot be reached just now finds it when it can. */
  async broadcast(envelope: Envelope): Promise<void> {
    const others = (await this.#instances.all()).filter((it) => it !== this.#lease.id);
    await Promise.all(others.map((instance) => this.send(instance, envelope)));
  }

  /**
   * Sends a message to one instance. It is safe once this returns: taken, or in its inbox.
   *
   * @throws StorageUnavailable
   */
  async send(instance: string, envelope: Envelope): Promise<void> {
    const id = randomId(this.#random);
    const sent = (await this.#fastPath?.send(instance, id, envelope)) ?? "refused";
    if (sent === "taken") return;
    await this.#inbox.write(instance, id, envelope, sent === "refused" ? "allowed" : "forbidden");
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
      if (!(await this.#inbox.claim(message))) continue;
      const envelope = await this.#inbox.open(message);
      if (envelope.kind === "message") successor.receive(envelope.message, envelope.caller);
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
        const connection = this.#connections.get(envelope.connection);
        if (connection === undefined || !isOf(connection, envelope.caller)) {
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
        this.#announceFeedHere(envelope.uri, envelope.userKeys);
        return;
      case "session-ended":
        this.#bearer.forget(envelope.sessionId);
        await this.#connections.closeSession(envelope.sessionId);
        return;
      case "connection-ended":
        await this.#connections.get(envelope.connection)?.close("client");
        return;
      case "connection-changed":
        await this.#connections.get(envelope.connection)?.refresh();
        return;
      case "answers-waiting":
        await this.#connections.get(envelope.connection)?.takeAnswersOf(envelope.from);
        return;
    }
  }

  #announceFeedHere(uri: string, userKeys: readonly string[] | undefined): void {
    const own = userKeys?.flatMap((userKey) => this.#connections.of(userKey));
    this.#announcer.announce(own ?? this.#connections.all(), { kind: "resource-updated", uri });
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

function isOf(connection: Connection, { session }: Caller): boolean {
  return connection.sessionId === session.id && connection.userKey === session.userKey;
}
