import {
  isInitializeRequest,
  type JSONRPCMessage,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/server";
import type { RequestContext } from "../../http/context.ts";
import { HttpError } from "../../http/errors.ts";
import type { PollPace } from "../../relay/poll-pace.ts";
import type { Station } from "../../relay/station.ts";
import type { Caller } from "../../sessions/bearer.ts";
import { isRequest } from "../json-rpc.ts";
import { parseEventId } from "./event-id.ts";
import type { McpSession, McpSessionDeps } from "./mcp-session.ts";
import { McpSessions } from "./mcp-sessions.ts";
import { messagesIn } from "./messages-in.ts";
import { resumeStream } from "./resumed-stream.ts";
import { openSessionStream } from "./session-stream.ts";

/** The only revision with batches (JSON-RPC 2.0 §6). */
const WITH_BATCHES = "2025-03-26";

/** The first revision whose clients can read an event without data. */
const PRIMED_FROM = "2025-11-25";

export type SessionMcpDeps = McpSessionDeps & {
  readonly station: Station;
  readonly pace: PollPace;
  readonly streamLifetimeSeconds: number;
};

/**
 * Streamable HTTP in the revisions of 2025, with sessions: any instance answers any request of a session,
 * takes what is for another, and goes on with a stream that another has begun.
 */
export class SessionMcp {
  readonly #deps: SessionMcpDeps;
  readonly #sessions: McpSessions;

  constructor(deps: SessionMcpDeps) {
    this.#deps = deps;
    this.#sessions = new McpSessions(deps);
  }

  /** `POST`: messages of a client. @param body Parsed. @throws HttpError; StorageUnavailable */
  async post(
    request: Request,
    body: unknown,
    caller: Caller,
    context: RequestContext,
  ): Promise<Response> {
    requireAccept(request, "application/json", "text/event-stream");
    const { messages, batch } = messagesIn(body);
    this.#deps.pace.traffic(this.#deps.clock.now());
    if (messages.some(isInitialize)) return this.#initialize(messages, caller, context);
    const session = await this.#session(request, caller);
    if (batch && session.version !== WITH_BATCHES) {
      throw new HttpError(400, `There are no batches in ${session.version ?? "this revision"}.`);
    }
    const busy = messages.find((message) => isRequest(message) && session.messages.has(message.id));
    if (busy !== undefined)
      throw new HttpError(400, "A request with this id is still being answered.");
    if (messages.some(isRequest)) {
      const primed = isPrimed(session.version);
      return session.answer(messages, caller, { batch, primed, client: context });
    }
    for (const message of messages) await session.messages.take(message, caller);
    return new Response(null, { status: 202 });
  }

  /** `GET`: the client's stream, or the rest of one that it has lost. @throws HttpError; StorageUnavailable */
  async get(request: Request, caller: Caller, context: RequestContext): Promise<Response> {
    requireAccept(request, "text/event-stream");
    // The lease first: one that turns out to be lost takes the sessions here with it.
    const session = await this.#deps.station.open(() => this.#session(request, caller));
    const position = parseEventId(request.headers.get("last-event-id") ?? "");
    if (position !== undefined) return resumeStream(this.#deps, session, position, context);
    return openSessionStream(this.#deps, session, isPrimed(session.version), context);
  }

  /** `DELETE`: the client ends its session. @throws HttpError; StorageUnavailable */
  async delete(request: Request, caller: Caller): Promise<Response> {
    await this.#sessions.end(sessionIdOf(request), caller);
    return new Response(null, { status: 204 });
  }

  async #initialize(
    messages: readonly JSONRPCMessage[],
    caller: Caller,
    client: RequestContext,
  ): Promise<Response> {
    const [initialize, ...more] = messages;
    if (more.length > 0 || !isInitializeRequest(initialize) || !isRequest(initialize)) {
      throw new HttpError(400, "Send initialize by itself, with what the protocol has for it.");
    }
    const session = await this.#sessions.create(initialize, caller);
    const primed = false;
    const response = await session.answer([initialize], caller, { batch: false, primed, client });
    response.headers.set("Mcp-Session-Id", session.id);
    return response;
  }

  async #session(request: Request, caller: Caller): Promise<McpSession> {
    const session = await this.#sessions.find(sessionIdOf(request), caller);
    const version = request.headers.get("mcp-protocol-version");
    // Absent, it is what was agreed on (MCP 2025-11-25, Streamable HTTP, protocol version header).
    if (version !== null && !SUPPORTED_PROTOCOL_VERSIONS.includes(version)) {
      throw new HttpError(400, "This protocol version is not spoken here.");
    }
    return session;
  }
}

function sessionIdOf(request: Request): string {
  const id = request.headers.get("mcp-session-id");
  if (id === null)
    throw new HttpError(400, "Name your session in Mcp-Session-Id, or initialize one.");
  return id;
}

/** MCP 2025-11-25, Streamable HTTP, sending messages: a client says that it takes both. */
function requireAccept(request: Request, ...types: string[]): void {
  const accept = request.headers.get("accept") ?? "";
  if (accept.includes("*/*") || types.every((type) => accept.includes(type))) return;
  throw new HttpError(406, `Accept ${types.join(" and ")}.`);
}

function isInitialize(message: JSONRPCMessage): boolean {
  return "method" in message && message.method === "initialize";
}

function isPrimed(version: string | undefined): boolean {
  return version !== undefined && version >= PRIMED_FROM;
}
