import type { Clock } from "../clock.ts";
import type { Envelope } from "../relay/envelope.ts";
import { Relay } from "../relay/relay.ts";
import type { Telemetry } from "./telemetry.ts";

/**
 * The relay, with a span on each side of the way between two instances: the trace travels in the envelope, so that a
 * relayed call is one trace. The lag is from the sender's clock to the receiver's, which agree to milliseconds
 * where somebody keeps them right; where they do not, it is no less wrong than they are.
 */
export class TracedRelay extends Relay {
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;

  constructor(deps: ConstructorParameters<typeof Relay>[0] & { telemetry: Telemetry }) {
    super(deps);
    this.#telemetry = deps.telemetry;
    this.#clock = deps.clock;
  }

  override send(instance: string, envelope: Envelope): ReturnType<Relay["send"]> {
    const attributes = { "mcp.relay.kind": envelope.kind };
    return this.#telemetry.span({ name: "relay send", kind: "producer", attributes }, () => {
      const sent = { at: this.#clock.now(), traceparent: this.#telemetry.traceparent() };
      return super.send(instance, { ...envelope, sent });
    });
  }

  override receive(id: string, envelope: Envelope): ReturnType<Relay["receive"]> {
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
