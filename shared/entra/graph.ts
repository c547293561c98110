import type { z } from "zod";
import { graphRoute } from "../telemetry/graph-route.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { GraphError, toGraphError } from "./graph-error.ts";

const TIMEOUT_MS = 20_000;

interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly body: string;
  /** What Graph wants to be shown, where it wants more than the sign-in has. */
  readonly claims: string | undefined;
}

interface GraphRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly renew?: boolean;
}

/** Where the person's tokens come from. */
export interface GraphSignIn {
  /** @param options.renew Graph has refused the one in the cache. */
  token(options: { renew: boolean }): Promise<string>;
  /** Graph wants to be shown these claims in a new sign-in. */
  challenge(claims: string): Promise<void>;
}

/** Microsoft Graph, as the person of one session. */
export class Graph {
  readonly #baseUrl: string;
  readonly #signIn: GraphSignIn;
  readonly #signal: AbortSignal;
  readonly #telemetry: Telemetry;

  constructor(deps: {
    baseUrl: string;
    signIn: GraphSignIn;
    signal: AbortSignal;
    telemetry: Telemetry;
  }) {
    this.#telemetry = deps.telemetry;
    this.#baseUrl = deps.baseUrl;
    this.#signIn = deps.signIn;
    this.#signal = deps.signal;
  }

  /**
   * @param path From the version on (`/v1.0/me`), or the `@odata.nextLink` of an earlier answer.
   * @returns The answer, checked against `schema`.
   * @throws GraphError, EntraError, and the abort reason when the call is cancelled.
   */
  get<T>(
    path: string,
    schema: z.ZodType<T>,
    { headers = {} }: { headers?: Record<string, string> } = {},
  ): Promise<T> {
    return this.#ask({ method: "GET", path, headers }, schema);
  }

  /**
   * Makes something, or changes it. See {@link get}.
   *
   * @param options.renew Do not take the token from the cache: it is about to expire.
   */
  write<T>(
    method: "POST" | "PATCH",
    path: string,
    body: unknown,
    schema: z.ZodType<T>,
    { renew = false }: { renew?: boolean } = {},
  ): Promise<T> {
    const headers = { "Content-Type": "application/json" };
    return this.#ask({ method, path, headers, body: JSON.stringify(body), renew }, schema);
  }

  /** Removes something. See {@link get}. */
  async delete(path: string): Promise<void> {
    await this.#answered({ method: "DELETE", path, headers: {} });
  }

  async #ask<T>(request: GraphRequest, schema: z.ZodType<T>): Promise<T> {
    const { body } = await this.#answered(request);
    try {
      return schema.parse(JSON.parse(body));
    } catch (cause) {
      throw new GraphError("unexpected", "Microsoft Graph answered in a form that is not known.", {
        cause,
      });
    }
  }

  async #answered(request: GraphRequest): Promise<Answer> {
    let answer = await this.#send(request, request.renew ?? false);
    if (answer.status === 401) {
      if (answer.claims !== undefined) {
        await this.#signIn.challenge(answer.claims);
        throw toGraphError(401, answer.body);
      }
      // A token that Graph does not take any more is renewed once.
      answer = await this.#send(request, true);
    }
    if (!answer.ok) throw toGraphError(answer.status, answer.body);
    return answer;
  }

  /** The person's token goes to Graph and nowhere else, whatever a link says. */
  #url(path: string): URL {
    const url = new URL(path, this.#baseUrl);
    if (url.origin !== new URL(this.#baseUrl).origin) {
      throw new GraphError("unexpected", "Microsoft Graph linked to another host.");
    }
    return url;
  }

  async #send(request: GraphRequest, renew: boolean): Promise<Answer> {
    const { method, path } = request;
    const url = this.#url(path);
    const token = await this.#signIn.token({ renew });
    const attributes = { "http.request.method": method, "server.address": url.hostname };
    return this.#telemetry.span(
      { name: `${method} ${graphRoute(url)}`, kind: "client", attributes },
      async (span) => {
        const answer = await this.#exchange(url, request, token);
        span.set({ "http.response.status_code": answer.status });
        if (!answer.ok) span.fail(String(answer.status));
        return answer;
      },
    );
  }

  async #exchange(
    url: URL,
    { method, headers, body }: GraphRequest,
    token: string,
  ): Promise<Answer> {
    try {
      const response = await fetch(url, {
        method,
        ...(body !== undefined && { body }),
        headers: { ...headers, Authorization: `Bearer ${token}`, Accept: "application/json" },
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]),
        redirect: "error",
      });
      // The body too can break off or take for ever.
      const text = await response.text();
      const { ok, status } = response;
      return { ok, status, claims: claimsChallenge(response), body: text };
    } catch (cause) {
      this.#signal.throwIfAborted();
      throw new GraphError("busy", "Microsoft Graph cannot be reached. Try again in a moment.", {
        cause,
      });
    }
  }
}

/** @returns The claims of a continuous access evaluation challenge, or undefined for another 401. */
function claimsChallenge(response: Response): string | undefined {
  const header = response.headers.get("www-authenticate") ?? "";
  if (!header.includes("insufficient_claims")) return undefined;
  const encoded = /claims="([A-Za-z0-9+/=_-]{1,4096})"/.exec(header)?.[1];
  return encoded && Buffer.from(encoded, "base64").toString();
}
