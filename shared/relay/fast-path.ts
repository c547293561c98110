import type { Envelope } from "./envelope.ts";
import type { Receive } from "./inbox-reader.ts";

/**
 * The seam to a quicker way between instances than the inbox table, which stays underneath it: what is not
 * acknowledged in time is written there, and the receiver, who drains both, takes the first that comes.
 */
export interface FastPath {
  /**
   * Sends a message to an instance.
   *
   * @param id Names the message, for all the ways in which it may arrive.
   * @returns Whether the instance has acknowledged it in time. It throws nothing.
   */
  send(instance: string, id: string, envelope: Envelope): Promise<boolean>;
  /** Begins to hand on what arrives for an instance. A second call is for its next id. */
  start(instance: string, receive: Receive): void;
  /** Whether messages arrive by this way right now, so that the inbox may be looked into less often. */
  readonly healthy: boolean;
  stop(): Promise<void>;
}
