import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Connections } from "../mcp/connections.ts";
import type { FastPath, ReceiveFast } from "./fast-path.ts";
import type { InboxReader } from "./inbox-reader.ts";
import { type Lease, LEASE_RENEWAL_MS, LeaseLost } from "./lease.ts";
import type { PollPace } from "./poll-pace.ts";
import type { Receiver } from "./receiver.ts";

/** How often storage is tried while it is away. */
const AFTER_OUTAGE_MS = 200;

/**
 * Receives what other instances send to this one, for as long as it holds anything: keeps its lease and
 * reads its inbox. An instance without connections costs storage nothing.
 */
export class Station {
  readonly #connections: Connections;
  readonly #lease: Lease;
  readonly #reader: InboxReader;
  readonly #receiver: Receiver;
  readonly #fastPath: FastPath | undefined;
  readonly #pace: PollPace;
  readonly #clock: Clock;
  readonly #log: Log;
  /** The loop outlives the request that has started it, and must not count as its work. */
  readonly #outside = AsyncLocalStorage.snapshot();
  #running: Promise<void> | undefined;
  #entering = 0;
  #closed = false;
  readonly #closing = Promise.withResolvers<void>();
  #out = false;

  constructor(deps: {
    connections: Connections;
    lease: Lease;
    reader: InboxReader;
    receiver: Receiver;
    fastPath: FastPath | undefined;
    pace: PollPace;
    clock: Clock;
    log: Log;
  }) {
    this.#connections = deps.connections;
    this.#lease = deps.lease;
    this.#reader = deps.reader;
    this.#receiver = deps.receiver;
    this.#fastPath = deps.fastPath;
    this.#pace = deps.pace;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /**
   * Opens a connection at this instance: the lease is held before the others can learn of the connection.
   *
   * @param open Lists the connection under the instance's id and adds it to `Connections`; in between it calls
   *   {@link requireHeld}.
   * @throws StorageUnavailable; LeaseLost
   */
  async open<T>(open: (instance: string) => Promise<T>): Promise<T> {
    this.#entering += 1;
    this.#pace.opened(this.#clock.now());
    try {
      // A lease that was lost meanwhile is taken anew, under another id.
      const held = (await this.#lease.hold()) || (await this.#lease.hold());
      if (!held) throw new LeaseLost("this instance is about to go");
      return await open(this.#lease.id);
    } finally {
      this.#entering -= 1;
      if (!this.#closed) this.#running ??= this.#outside(() => this.#run());
    }
  }

  /**
   * What is listed under an id that was lost meanwhile is found by nobody, and what comes after the end is
   * not ended any more.
   *
   * @throws LeaseLost
   */
  requireHeld(instance: string): void {
    if (this.#closed || this.#lease.id !== instance) throw new LeaseLost("lost while listing");
  }

  /** Gives up the lease, after a last look into the inbox. What arrives from now on is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#closing.resolve();
    await this.#running;
    this.#fastPath?.stop();
    try {
      if (this.#connections.count > 0) await this.#read();
    } catch (error) {
      this.#log.error("relay-out", error);
    }
    await this.#lease.close().catch((error: unknown) => {
      this.#log.error("lease-not-released", error);
    });
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#inUse) {
        await this.#look();
        continue;
      }
      await this.#lease.release().catch((error: unknown) => {
        this.#log.error("lease-not-released", error);
      });
      // Somebody may have come meanwhile, and found the loop running.
      if (!this.#inUse) break;
    }
    this.#running = undefined;
  }

  async #look(): Promise<void> {
    try {
      await this.#read();
      if (this.#out) this.#log.info("relay-back");
      this.#out = false;
    } catch (error) {
      // Once an outage, not at every look.
      if (!this.#out) this.#log.error("relay-out", error);
      this.#out = true;
    }
    await Promise.race([this.#clock.sleep(this.#interval()), this.#closing.promise]);
  }

  async #read(): Promise<void> {
    if (!(await this.#lease.hold(LEASE_RENEWAL_MS))) return;
    const instance = this.#lease.id;
    this.#fastPath?.start(instance, this.#receiveFast);
    await this.#reader.read(instance, async (id, envelope) => {
      this.#pace.inboxUsed(this.#clock.now());
      if (await this.#mayRun()) await this.#receiver.receive(id, envelope);
    });
  }

  /** Its sender waits to be told that it is here, not for what comes of it. */
  readonly #receiveFast: ReceiveFast = async (id, envelope) => {
    const mayRun = await this.#mayRun();
    if (mayRun) void this.#receiver.receive(id, envelope);
    return mayRun;
  };

  /** A frozen instance may have slept since a message was claimed. One without connections has no lease to lose. */
  async #mayRun(): Promise<boolean> {
    return !this.#inUse || this.#lease.hold();
  }

  get #inUse(): boolean {
    return this.#connections.count > 0 || this.#entering > 0;
  }

  #interval(): number {
    // Back at once when storage is: until then this instance's lease looks lapsed.
    if (this.#out) return AFTER_OUTAGE_MS;
    return this.#pace.interval(this.#clock.now(), this.#fastPath?.healthy === true);
  }
}
