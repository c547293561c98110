import type { Clock } from "../clock.ts";
import type { Envelope } from "../relay/envelope.ts";
import { Receiver } from "../relay/receiver.ts";
import { Sender } from "../relay/sender.ts";
import type { Telemetry } from "./telemetry.ts";

/** Sends with a span. The trace travels in the envelope, so that a relayed call is one trace. */
export class TracedSender extends Sender {
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;

  constructor(deps: ConstructorParameters<typeof Sender>[0] & { telemetry: Telemetry }) {
    super(deps);
    this.#telemetry = deps.telemetry;
    this.#clock = deps.clock;
  }

  override send(instance: string, envelope: Envelope): ReturnType<Sender["send"]> {
    const attributes = { "mcp.relay.kind": envelope.kind };
    return this.#telemetry.span({ name: "relay send", kind: "producer", attributes }, () => {
      const sent = { at: this.#clock.now(), traceparent: this.#telemetry.traceparent() };
      return super.send(instance, { ...envelope, sent });
    });
  }
}

/**
 * Receives with a span, and measures the lag: from the sender's clock to the receiver's, which agree to milliseconds
 * where somebody keeps them right; where they do not, it is no less wrong than they are.
 */
export class TracedReceiver extends Receiver {
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;

  constructor(deps: ConstructorParameters<typeof Receiver>[0] & { telemetry: Telemetry }) {
    super(deps);
    this.#telemetry = deps.telemetry;
    this.#clock = deps.clock;
  }

  override receive(id: string, envelope: Envelope): ReturnType<Receiver["receive"]> {
    const { kind, sent } = envelope;
    if (sent !== undefined) {
      this.#telemetry.record("mcp.relay.lag", Math.max(0, this.#clock.now() - sent.at));
    }
    const attributes = { "mcp.relay.kind": kind };
    return this.#telemetry.span(
      { name: "relay receive", parent: sent?.traceparent, attributes },
      () => super.receive(id, envelope),
    );
  }
}
