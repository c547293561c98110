import { EventStream } from "./event-stream.ts";
import { SessionWire } from "./session-wire.ts";
import { type Call, type Reachable, RETRY_MS, WorldClient } from "./world-client.ts";

type Message = Readonly<Record<string, unknown>>;

/** A client of Streamable HTTP with a session (2025-11-25): it goes on with each stream that it loses. */
export class ResumingClient extends WorldClient {
  #wire: SessionWire | undefined;
  readonly #streams = new Set<EventStream>();

  async connect(): Promise<void> {
    const { app } = this.front();
    const wire = new SessionWire(app, this.token);
    await wire.initialize("2025-11-25");
    this.#wire = wire;
    void this.#listen(wire);
  }

  post({ app, gone }: Reachable, wait: boolean): void {
    if (this.#wire === undefined) return;
    const { call, message } = this.begin({ ended: false }, wait);
    const posted = Promise.race([this.#wire.post(message, { app }), gone]);
    this.whileBusy(this.#follow(this.#wire, call, posted, gone));
  }

  async drop(): Promise<void> {
    await Promise.all([...this.#streams].map((stream) => stream.close()));
  }

  /** Reads what answers a call: where that breaks off, the rest of it from any instance. */
  async #follow(
    wire: SessionWire,
    call: Call,
    posted: Promise<Response | void>,
    gone: Promise<void>,
  ): Promise<void> {
    const response = await posted;
    // One that breaks off before it says anything was not accepted, as far as its client knows.
    if (response?.status !== 200) return;
    if (response.headers.get("content-type") === "application/json") {
      call.accepted = true;
      this.take((await response.json()) as Message);
      return;
    }
    let position = await this.#read(response, gone, () => (call.accepted = true));
    while (position !== undefined && call.answers === 0 && !this.left) {
      await this.clock.sleep(RETRY_MS);
      const rest = await this.#get(wire, position);
      if (rest !== undefined) position = (await this.#read(rest.response, rest.gone)) ?? position;
    }
  }

  /** Holds the session's own stream, and opens another when it ends. */
  async #listen(wire: SessionWire): Promise<void> {
    while (!this.left) {
      const stream = await this.#get(wire);
      if (stream !== undefined) await this.#read(stream.response, stream.gone);
      await this.clock.sleep(RETRY_MS);
    }
  }

  async #get(wire: SessionWire, lastEventId?: string) {
    const { app, gone } = this.front();
    const options = { app, ...(lastEventId !== undefined && { lastEventId }) };
    const response = await Promise.race([wire.get(options), gone]);
    return response?.status === 200 ? { response, gone } : undefined;
  }

  /**
   * Reads a stream to its end.
   *
   * @param onId Called for each id: from the first on, its client can come back.
   * @returns The last of them.
   */
  async #read(
    response: Response,
    gone: Promise<void>,
    onId: () => void = () => undefined,
  ): Promise<string | undefined> {
    const stream = new EventStream(response);
    let last: string | undefined;
    this.#streams.add(stream);
    for (;;) {
      const event = await Promise.race([stream.next(), gone]);
      if (event === undefined) break;
      last = event.id ?? last;
      if (event.id !== undefined) onId();
      if (event.data !== "") this.take(JSON.parse(event.data) as Message);
    }
    this.#streams.delete(stream);
    await stream.close();
    return last;
  }
}
