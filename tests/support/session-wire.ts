import { EventStream } from "./event-stream.ts";
import type { TestApp } from "./test-app.ts";

type Json = Record<string, unknown>;

/** What answered a `POST`: one message or several of a batch, and whether they came on a stream. */
export interface Answered {
  readonly response: Response;
  readonly messages: Json[];
  /** The ids of the events, where they came on a stream. */
  readonly ids: string[];
}

/** A client of Streamable HTTP with sessions (revisions of 2025), reduced to its wire. */
export class SessionWire {
  readonly #app: TestApp;
  readonly #token: string;
  #session: string | undefined;
  #id = 0;

  /** @param app The instance that is asked where a test names none. */
  constructor(app: TestApp, token: string) {
    this.#app = app;
    this.#token = token;
  }

  get session(): string {
    if (this.#session === undefined) throw new Error("not initialized");
    return this.#session;
  }

  /** The same session, with another token. */
  as(token: string): SessionWire {
    const wire = new SessionWire(this.#app, token);
    wire.#session = this.#session;
    return wire;
  }

  async initialize(
    protocolVersion = "2025-11-25",
    capabilities: Json = { elicitation: {}, sampling: {}, roots: {} },
  ): Promise<Answered> {
    this.#session = undefined;
    const clientInfo = { name: "test", version: "1" };
    const params = { protocolVersion, capabilities, clientInfo };
    const answered = await this.ask("initialize", params);
    this.#session = answered.response.headers.get("mcp-session-id") ?? undefined;
    if (this.#session !== undefined) await this.notify("notifications/initialized");
    return answered;
  }

  /** A request with the next id. */
  request(method: string, params: Json = {}): Json & { id: number } {
    this.#id += 1;
    return { jsonrpc: "2.0", id: this.#id, method, params };
  }

  /** Sends a request and reads what answers it, to the end. */
  async ask(method: string, params: Json = {}, app = this.#app): Promise<Answered> {
    return readAnswer(await this.post(this.request(method, params), { app }));
  }

  /** Calls a tool and reads what answers it, to the end. */
  call(name: string, args: Json = {}, app = this.#app): Promise<Answered> {
    return this.ask("tools/call", { name, arguments: args }, app);
  }

  notify(method: string, params: Json = {}, app = this.#app): Promise<Response> {
    return this.post({ jsonrpc: "2.0", method, params }, { app });
  }

  post(
    body: unknown,
    options: {
      app?: TestApp;
      headers?: Record<string, string | undefined>;
      signal?: AbortSignal;
    } = {},
  ): Promise<Response> {
    return this.#fetch("POST", options, typeof body === "string" ? body : JSON.stringify(body));
  }

  /** `GET`: the session's stream, or the rest of another after `lastEventId`. */
  get(
    options: {
      app?: TestApp;
      lastEventId?: string;
      headers?: Record<string, string | undefined>;
      signal?: AbortSignal;
    } = {},
  ): Promise<Response> {
    const { lastEventId, headers, ...rest } = options;
    const all = {
      accept: "text/event-stream",
      ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
      ...headers,
    };
    return this.#fetch("GET", { ...rest, headers: all });
  }

  delete(app = this.#app): Promise<Response> {
    return this.#fetch("DELETE", { app });
  }

  #fetch(
    method: string,
    {
      app = this.#app,
      headers = {},
      signal,
    }: { app?: TestApp; headers?: Record<string, string | undefined>; signal?: AbortSignal },
    body?: string,
  ): Promise<Response> {
    const all: Record<string, string | undefined> = {
      accept: "application/json, text/event-stream",
      authorization: `Bearer ${this.#token}`,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(this.#session !== undefined && { "mcp-session-id": this.#session }),
      ...headers,
    };
    const given = Object.entries(all).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    return app.fetch(new URL("/mcp", app.baseUrl), {
      method,
      headers: Object.fromEntries(given),
      ...(body !== undefined && { body }),
      ...(signal !== undefined && { signal }),
    });
  }
}

/** Reads what answers a `POST`, to the end. */
export async function readAnswer(response: Response): Promise<Answered> {
  if (response.headers.get("content-type") === "application/json") {
    const body = (await response.json()) as Json | Json[];
    return { response, messages: Array.isArray(body) ? body : [body], ids: [] };
  }
  if (response.body === null) return { response, messages: [], ids: [] };
  const stream = new EventStream(response);
  const messages: Json[] = [];
  const ids: string[] = [];
  for (let event = await stream.next(); event !== undefined; event = await stream.next()) {
    if (event.id !== undefined) ids.push(event.id);
    if (event.data !== "") messages.push(JSON.parse(event.data) as Json);
  }
  return { response, messages, ids };
}

/** @returns The next message of a stream; what only names an event is passed over. */
export async function nextMessage(stream: EventStream): Promise<Json | undefined> {
  for (;;) {
    const event = await stream.next();
    if (event === undefined) return undefined;
    if (event.data !== "") return JSON.parse(event.data) as Json;
  }
}
