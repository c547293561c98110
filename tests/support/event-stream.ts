/** One event of a `text/event-stream`. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

/** Reads the events of a stream one after the other; comments are passed over. */
export class EventStream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  /** @param response Whose body is the stream. @throws where there is none */
  constructor(response: Response) {
    if (response.body === null) throw new Error(`status ${response.status} without a stream`);
    this.#reader = response.body.getReader();
  }

  /** @returns The next event, or undefined where the stream has ended. */
  async next(): Promise<StreamEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const event = parse(block);
        if (event !== undefined) return event;
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** As a client that goes away. */
  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

function parse(block: string): StreamEvent | undefined {
  const fields = block.split("\n").filter((line) => !line.startsWith(":"));
  const field = (name: string) =>
    fields.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const [data, id] = [field("data"), field("id")];
  if (data === undefined) return undefined;
  return { event: field("event") ?? "message", data, ...(id !== undefined && { id }) };
}
