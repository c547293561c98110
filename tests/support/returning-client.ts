import { EventStream } from "./open-stream.ts";
import { type Call, type Reachable, RETRY_MS, WorldClient } from "./world-client.ts";

interface ClientStream {
  readonly events: EventStream;
  ended: boolean;
}

/** A client of HTTP+SSE that comes back whenever its stream ends. */
export class ReturningClient extends WorldClient {
  #stream: ClientStream | undefined;

  /** Opens a stream, at whichever instance has one for it. */
  async connect(): Promise<void> {
    while (!this.left && this.#stream === undefined) {
      const { app, gone } = this.front();
      const opening = EventStream.open(app, this.token).catch(() => undefined);
      const events = await Promise.race([opening, gone]);
      if (events === undefined) {
        await this.clock.sleep(RETRY_MS);
        continue;
      }
      this.#stream = { events, ended: false };
      void this.#read(this.#stream, gone);
    }
  }

  post({ app, gone }: Reachable, wait: boolean): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const { call, message } = this.begin(stream, wait);
    const posted = stream.events.post(message, app);
    this.whileBusy(this.#follow(call, Promise.race([posted, gone])));
  }

  async #follow(call: Call, posted: Promise<Response | void>): Promise<void> {
    const response = await posted;
    call.accepted = response?.status === 202;
  }

  async drop(): Promise<void> {
    await this.#stream?.events.drop();
  }

  async #read(stream: ClientStream, gone: Promise<void>): Promise<void> {
    for (;;) {
      const message = await Promise.race([stream.events.next(), gone]);
      if (message === undefined) break;
      this.take(message);
    }
    stream.ended = true;
    this.#stream = undefined;
    await stream.events.drop();
    await this.clock.sleep(RETRY_MS);
    await this.connect();
  }
}
