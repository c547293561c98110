import type { Features, Resource } from "../../shared/features/feature.ts";
import type { Started, Watch, WatchSource } from "../../shared/live/watch.ts";

/** Where a call of the source may be held up, or fail. */
type Step = "start" | "renew" | "stop";

/** A call that has arrived at the source, which acts on it when the test lets it. */
export interface HeldCall {
  /** Lets the source act and answer. */
  release(): void;
}

/**
 * A source of which a test holds each call as long as it likes: what is to happen in between happens in
 * between. It counts what lives there, as Microsoft Graph would keep it.
 */
export class HeldSource implements Watch {
  readonly requires = "mcp";
  /** What stands at the source, by id, with what it would tell with each notification. */
  readonly living = new Map<string, string>();
  /** What a read of the resource returns. */
  value = "first";
  /** When the source ends what is started or renewed (ms). */
  expiresAt = Infinity;
  failing: Step | undefined;
  readonly #expiries = new Map<string, number>();
  readonly #waiting = new Map<Step, PromiseWithResolvers<HeldCall>>();
  #ids = 0;

  /** Holds the next call. @returns The call, once it is there. */
  hold(step: Step): Promise<HeldCall> {
    const held = Promise.withResolvers<HeldCall>();
    this.#waiting.set(step, held);
    return held.promise;
  }

  async start({ clientState, clock }: WatchSource): Promise<Started> {
    const id = `watch-${++this.#ids}`;
    // The source has it from now on, whatever becomes of its answer.
    if (this.failing !== "start") this.living.set(id, clientState);
    await this.#arrived("start");
    return { id, expiresAt: this.#expire(id, clock.now()) };
  }

  async renew(id: string, { clock }: WatchSource) {
    const lives = this.living.has(id);
    await this.#arrived("renew");
    return lives ? { expiresAt: this.#expire(id, clock.now()) } : undefined;
  }

  async stop(id: string): Promise<void> {
    await this.#arrived("stop");
    this.living.delete(id);
  }

  /** @returns The only one that stands there, and what it tells. */
  only(): { id: string; clientState: string } {
    const [one, ...more] = this.living;
    if (one === undefined || more.length > 0) throw new Error(`${this.living.size} watches`);
    return { id: one[0], clientState: one[1] };
  }

  /** @returns Features with nothing but a resource that is watched here. */
  features(uri: string): Features {
    const resource: Resource = {
      uri,
      name: "held",
      title: "Held",
      description: "A resource whose source a test holds.",
      mimeType: "text/plain",
      requires: "mcp",
      watch: this,
      read: (call) => call.cached(uri, "", async () => this.value),
    };
    return {
      tools: [],
      resources: [resource],
      resourceTemplates: [],
      prompts: [],
      promptSources: [],
    };
  }

  /** @returns When the source ends one, as it has said last (ms). */
  expiresAtOf(id: string): number | undefined {
    return this.#expiries.get(id);
  }

  #expire(id: string, now: number): number {
    const expiresAt = Math.min(this.expiresAt, now + 24 * 3_600_000);
    this.#expiries.set(id, expiresAt);
    return expiresAt;
  }

  async #arrived(step: Step): Promise<void> {
    const waiting = this.#waiting.get(step);
    this.#waiting.delete(step);
    const released = Promise.withResolvers<void>();
    if (waiting === undefined) released.resolve();
    else waiting.resolve({ release: () => released.resolve() });
    await released.promise;
    if (this.failing === step) throw new Error("the source fails, as the test has it");
  }
}
