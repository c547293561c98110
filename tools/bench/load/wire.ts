import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** An answer, its body read as bytes of one character each: load is ASCII. */
export interface WireResponse {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  readonly body: string;
}

/**
 * An HTTP/1.1 connection that is kept alive, reduced to what a load generator needs: one request at a time,
 * bodies by length or in chunks. A full HTTP client would cost more than the server it measures.
 */
export class WireConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #text = "";
  #head: string | undefined;
  #status = 0;
  /** Bytes of the body, or of the chunk, that are still to come; undefined while their number is. */
  #left: number | undefined;
  #chunked = false;
  #body = "";
  #answered: ((response: WireResponse) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;
  #onData: ((data: string) => void) | undefined;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text) => this.#read(String(text)));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the connection was closed")));
  }

  /** @param url An origin; `http:` only. */
  static async open(url: string): Promise<WireConnection> {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    return new WireConnection(socket, host);
  }

  /** @param headers Lines, each with its end. */
  get(path: string, headers: string): Promise<WireResponse> {
    return this.#send(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${headers}\r\n`);
  }

  post(path: string, headers: string, json: string): Promise<WireResponse> {
    return this.#send(
      `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${json.length}\r\n${headers}\r\n${json}`,
    );
  }

  /**
   * Opens a stream: resolves with its head; the body goes to `onData` as it comes.
   *
   * @param json What is posted to open it; without it, it is a `GET` that does.
   * @throws Error for any status but 200.
   */
  async stream(
    path: string,
    headers: string,
    onData: (data: string) => void,
    json?: string,
  ): Promise<void> {
    this.#onData = onData;
    const { status, head } = await (json === undefined
      ? this.get(path, headers)
      : this.post(path, headers, json));
    if (status !== 200) throw new Error(`no stream: ${head}`);
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #send(request: string): Promise<WireResponse> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(request, "latin1");
    });
  }

  #read(text: string): void {
    this.#text = this.#text === "" ? text : this.#text + text;
    if (this.#head === undefined && !this.#readHead()) return;
    if (this.#chunked) this.#readChunks();
    else this.#readLength();
  }

  #readHead(): boolean {
    const end = this.#text.indexOf("\r\n\r\n");
    if (end === -1) return false;
    this.#head = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 4);
    this.#status = Number(this.#head.slice(9, 12));
    this.#chunked = /^transfer-encoding: *chunked/im.test(this.#head);
    const length = /^content-length: *(\d+)/im.exec(this.#head)?.[1];
    this.#left = this.#chunked ? undefined : Number(length ?? 0);
    if (this.#onData !== undefined) {
      this.#answered?.({ status: this.#status, head: this.#head, body: "" });
      this.#answered = undefined;
    }
    return true;
  }

  #readLength(): void {
    const left = this.#left ?? 0;
    if (this.#text.length < left) return;
    this.#take(this.#text.slice(0, left));
    this.#text = this.#text.slice(left);
    this.#end();
  }

  #readChunks(): void {
    for (;;) {
      if (this.#left === undefined) {
        const end = this.#text.indexOf("\r\n");
        if (end === -1) return;
        this.#left = Number.parseInt(this.#text, 16);
        this.#text = this.#text.slice(end + 2);
      }
      // A chunk ends with a line end of its own.
      if (this.#text.length < this.#left + 2) return;
      const last = this.#left === 0;
      this.#take(this.#text.slice(0, this.#left));
      this.#text = this.#text.slice(this.#left + 2);
      this.#left = undefined;
      if (last) {
        this.#end();
        return;
      }
    }
  }

  #take(data: string): void {
    if (this.#onData === undefined) this.#body += data;
    else if (data !== "") this.#onData(data);
  }

  #end(): void {
    const answered = this.#answered;
    const response = { status: this.#status, head: this.#head ?? "", body: this.#body };
    this.#head = undefined;
    this.#body = "";
    this.#answered = undefined;
    answered?.(response);
  }

  #fail(error: Error): void {
    this.#failed?.(error);
    this.#failed = undefined;
  }
}
