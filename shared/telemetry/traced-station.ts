import { AsyncLocalStorage } from "node:async_hooks";
import { Station } from "../relay/station.ts";
import type { Telemetry } from "./telemetry.ts";

/** A station whose loop belongs to no request: the one that opens the first connection merely starts it. */
export class TracedStation extends Station {
  readonly #telemetry: Telemetry;

  constructor(deps: ConstructorParameters<typeof Station>[0] & { telemetry: Telemetry }) {
    super(deps);
    this.#telemetry = deps.telemetry;
  }

  override open<T>(open: (instance: string) => Promise<T>): Promise<T> {
    const inRequest = AsyncLocalStorage.bind(open);
    return this.#telemetry.outside(() => super.open(inRequest));
  }
}
