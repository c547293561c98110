import type { z } from "zod";
import type { Entra } from "./entra.ts";

const TIMEOUT_MS = 20_000;

export type GraphErrorKind = "denied" | "not-found" | "unauthorized" | "busy" | "unexpected";

/** Microsoft Graph did not do what was asked. The message is for the person. */
export class GraphError extends Error {
  override name = "GraphError";
  readonly kind: GraphErrorKind;

  constructor(kind: GraphErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Microsoft Graph, as the person of one session. */
export class Graph {
  readonly #baseUrl: string;
  readonly #entra: Entra;
  readonly #sessionId: string;
  readonly #scopes: readonly string[];
  readonly #signal: AbortSignal;

  /** @param deps.scopes The Graph permissions that the calling feature declared. */
  constructor(deps: {
    baseUrl: string;
    entra: Entra;
    sessionId: string;
    scopes: readonly string[];
    signal: AbortSignal;
  }) {
    this.#baseUrl = deps.baseUrl;
    this.#entra = deps.entra;
    this.#sessionId = deps.sessionId;
    this.#scopes = deps.scopes;
    this.#signal = deps.signal;
  }

  /**
   * @param path From the version on (`/v1.0/me`), or the `@odata.nextLink` of an earlier answer.
   * @returns The answer, checked against `schema`.
   * @throws GraphError, EntraError, and the abort reason when the call is cancelled.
   */
  async get<T>(
    path: string,
    schema: z.ZodType<T>,
    { headers = {} }: { headers?: Record<string, string> } = {},
  ): Promise<T> {
    const url = this.#url(path);
    let answer = await this.#send(url, headers, false);
    // A token that Graph does not take any more is renewed once.
    if (answer.status === 401) answer = await this.#send(url, headers, true);
    if (!answer.ok) throw toGraphError(answer.status, answer.body);
    try {
      return schema.parse(JSON.parse(answer.body));
    } catch (cause) {
      throw new GraphError("unexpected", "Microsoft Graph answered in a form that is not known.", {
        cause,
      });
    }
  }

  /** The person's token goes to Graph and nowhere else, whatever a link says. */
  #url(path: string): URL {
    const url = new URL(path, this.#baseUrl);
    if (url.origin !== new URL(this.#baseUrl).origin) {
      throw new GraphError("unexpected", "Microsoft Graph linked to another host.");
    }
    return url;
  }

  async #send(
    url: URL,
    headers: Record<string, string>,
    renew: boolean,
  ): Promise<{ ok: boolean; status: number; body: string }> {
    const token = await this.#entra.graphToken(this.#sessionId, this.#scopes, { renew });
    try {
      const response = await fetch(url, {
        headers: { ...headers, Authorization: `Bearer ${token}`, Accept: "application/json" },
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]),
        redirect: "error",
      });
      // The body too can break off or take for ever.
      return { ok: response.ok, status: response.status, body: await response.text() };
    } catch (cause) {
      this.#signal.throwIfAborted();
      throw new GraphError("busy", "Microsoft Graph cannot be reached. Try again in a moment.", {
        cause,
      });
    }
  }
}

function toGraphError(status: number, body: string): GraphError {
  // The body may hold anything of the person's: it is cut short, and only the log sees it.
  const options = { cause: new Error(`Graph ${status}: ${body.slice(0, 500)}`) };
  switch (status) {
    case 401:
      return new GraphError(
        "unauthorized",
        "Microsoft Graph did not accept the sign-in. Disconnect and sign in again.",
        options,
      );
    case 403:
      return new GraphError("denied", "Microsoft Graph does not allow this for you.", options);
    case 404:
      return new GraphError("not-found", "Microsoft Graph found nothing there.", options);
    case 429:
    case 502:
    case 503:
    case 504:
      return new GraphError("busy", "Microsoft Graph is busy. Try again in a moment.", options);
    default:
      return new GraphError("unexpected", "Microsoft Graph could not do this.", options);
  }
}
