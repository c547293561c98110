import type { TestApp } from "./test-app.ts";

const VERSION = "2026-07-28";

export interface WireOptions {
  /** What the client declares. */
  readonly capabilities?: Record<string, unknown>;
  /** Beside what every request has in its `_meta`; undefined takes a member away. */
  readonly meta?: Record<string, unknown>;
  /** In place of what the body calls for; undefined takes one away. */
  readonly headers?: Record<string, string | undefined>;
  readonly signal?: AbortSignal;
}

/** An answer in JSON. */
export interface Answer {
  readonly id: unknown;
  readonly result?: Record<string, unknown>;
  readonly error?: { code: number; message: string; data?: Record<string, unknown> };
}

/** A client of Streamable HTTP as of 2026-07-28, reduced to its wire. */
export class ModernWire {
  readonly #app: TestApp;
  readonly #token: string | undefined;
  #id = 0;

  constructor(app: TestApp, token?: string) {
    this.#app = app;
    this.#token = token;
  }

  /** Sends a request. */
  send(
    method: string,
    params: Record<string, unknown> = {},
    options: WireOptions = {},
  ): Promise<Response> {
    const { capabilities = {}, meta = {}, headers = {}, signal } = options;
    this.#id += 1;
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": VERSION,
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": capabilities,
      ...meta,
    };
    const body = { jsonrpc: "2.0", id: this.#id, method, params: { ...params, _meta } };
    const named = params["name"] ?? params["uri"];
    return this.post(
      JSON.stringify(body),
      {
        "mcp-protocol-version": VERSION,
        "mcp-method": method,
        ...(typeof named === "string" && { "mcp-name": named }),
        ...headers,
      },
      signal,
    );
  }

  /** Sends a request that is answered with JSON. */
  async ask(
    method: string,
    params: Record<string, unknown> = {},
    options: WireOptions = {},
  ): Promise<Answer & { status: number }> {
    const response = await this.send(method, params, options);
    return { ...((await response.json()) as Answer), status: response.status };
  }

  /** Calls a tool that answers at once. */
  call(name: string, args: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
    return this.ask(
      "tools/call",
      { name, arguments: args, ...more },
      { capabilities: { elicitation: {}, sampling: {}, roots: {} } },
    );
  }

  post(
    body: string,
    headers: Record<string, string | undefined> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    const all = {
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
      ...headers,
    };
    const given = Object.entries(all).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    return this.#app.fetch(new URL("/mcp", this.#app.baseUrl), {
      method: "POST",
      headers: Object.fromEntries(given),
      body,
      ...(signal !== undefined && { signal }),
    });
  }
}
