import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { z } from "zod";

const EntrySchema = z.looseObject({ subscriptionId: z.string() });
const BodySchema = z.strictObject({ value: z.array(EntrySchema) });

export type Entry = z.infer<typeof EntrySchema>;

/**
 * What a subscriber answers; `"never"` leaves the request unanswered, `"cut"` ends the connection, `"endless"` goes on
 * until that is ended.
 */
export type Reply =
  { status: number; type?: string; body?: string; location?: string } | "never" | "cut" | "endless";

/** A subscriber: it answers validations and takes what is posted to it. */
export interface Webhook {
  /** `http://localhost:PORT` */
  readonly url: string;
  /** The validations that it was asked for: path, query and content type. */
  readonly validations: { path: string; query: URLSearchParams; contentType: string }[];
  /** The next post that was not asked for yet, which may still have to come. */
  next(): Promise<{ path: string; entries: Entry[] }>;
  /** How many posts have come that nobody asked for. */
  readonly pending: number;
  /** Decides on the answers to come; a post of notifications has no token. */
  reply(decide: (path: string, token: string | null) => Reply): void;
  stop(): Promise<void>;
}

/** Echoes validation tokens and accepts notifications, as it has to be done. */
export function properReply(_path: string, token: string | null): Reply {
  return token === null ? { status: 202 } : { status: 200, type: "text/plain", body: token };
}

function* forever() {
  for (;;) {
    yield "and so on, ";
  }
}

export async function startWebhook(): Promise<Webhook> {
  const posts: { path: string; entries: Entry[] }[] = [];
  const waiting: (() => void)[] = [];
  const validations: Webhook["validations"] = [];
  let decide = properReply;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const body = await text(request);
    const token = url.searchParams.get("validationToken");
    if (token === null) {
      posts.push({ path: url.pathname, entries: BodySchema.parse(JSON.parse(body)).value });
      for (const told of waiting.splice(0)) {
        told();
      }
    } else {
      const contentType = request.headers["content-type"] ?? "";
      validations.push({ path: url.pathname, query: url.searchParams, contentType });
    }
    const reply = decide(url.pathname, token);
    if (reply === "cut") {
      request.socket.destroy();
    } else if (reply === "endless") {
      response.writeHead(200, { "content-type": "text/plain" });
      Readable.from(forever()).pipe(response);
    } else if (reply !== "never") {
      const { status, type, location } = reply;
      response.writeHead(status, {
        ...(type !== undefined && { "content-type": type }),
        ...(location !== undefined && { location }),
      });
      response.end(reply.body);
    }
  }

  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, "localhost");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new Error("The webhook does not listen on a port.");
  }
  return {
    url: `http://localhost:${address.port}`,
    validations,
    async next() {
      for (;;) {
        const post = posts.shift();
        if (post) {
          return post;
        }
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      }
    },
    get pending() {
      return posts.length;
    },
    reply(chosen) {
      decide = chosen;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
