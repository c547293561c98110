import type { Envelope } from "./envelope.ts";

/**
 * What became of a message. "taken": it is the instance's. "refused": it is not, and will not be by this way.
 * "unknown": one of the two, and nobody can say which.
 */
export type Sent = "taken" | "refused" | "unknown";

/** Takes a message. @returns False where it must not run here any more. */
export type ReceiveFast = (id: string, envelope: Envelope) => Promise<boolean>;

/**
 * The seam to a quicker way between instances than the inbox table, which stays underneath it: what is not
 * taken in time is written there, and the receiver, who drains both, takes the first that comes.
 */
export interface FastPath {
  /**
   * Sends a message to an instance.
   *
   * @param id Names the message, for all the ways in which it may arrive.
   * @returns After a quarter of a second at the latest. It throws nothing.
   */
  send(instance: string, id: string, envelope: Envelope): Promise<Sent>;
  /** Begins to hand on what arrives for an instance. A second call is for its next id. */
  start(instance: string, receive: ReceiveFast): void;
  /** Whether messages arrive by this way right now, so that the inbox may be looked into less often. */
  readonly healthy: boolean;
  /** Hands on and sends nothing any more: {@link send} refuses. */
  stop(): void;
}
