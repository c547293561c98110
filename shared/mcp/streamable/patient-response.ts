import type { ClientConnection } from "../../http/client-connection.ts";
import { EVENT_STREAM_HEADERS, EventStreamBody } from "../event-stream-body.ts";
import type { CallsInProgress } from "./calls-in-progress.ts";

/** What takes longer is answered with an event stream. */
export const JSON_WITHIN_MS = 1_000;

/** What else an answer depends on. */
export interface PatienceOptions {
  readonly client: ClientConnection;
  readonly calls: CallsInProgress;
  /** The message (JSON) that takes the place of an answer that does not come. */
  readonly failure: string;
}

/**
 * Hands on what answers a request: as JSON where it is there within a second. What is not there by then, and
 * what is an event stream anyway, goes through an event stream of ours: with keep-alives, for the front end
 * cuts a call that is silent for 230 s, and with a bound on what the client leaves unread.
 *
 * @param answer Settles with the end of the call, or with its first event.
 */
export function patiently(
  answer: Promise<Response>,
  { client, calls, failure }: PatienceOptions,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  let body: EventStreamBody | undefined;
  const fail = () => {
    if (body === undefined) resolve(new Response(failure, { headers: JSON_HEADERS }));
    body?.event("message", failure);
    body?.end();
  };
  const answered = calls.began(fail);
  const stream = () => {
    const opened = new EventStreamBody(client, answered);
    opened.keepAlive();
    opened.endWith(client.disconnected);
    resolve(new Response(opened.stream, { headers: EVENT_STREAM_HEADERS }));
    body = opened;
    return opened;
  };
  const patienceEnds = setTimeout(stream, JSON_WITHIN_MS);
  const handOn = async () => {
    try {
      const response = await answer;
      clearTimeout(patienceEnds);
      if (body !== undefined || isEventStream(response)) await pour(response, body ?? stream());
      else resolve(response);
    } catch (error) {
      clearTimeout(patienceEnds);
      if (body !== undefined) fail();
      else reject(error);
    } finally {
      answered();
    }
  };
  void handOn();
  return promise;
}

const JSON_HEADERS = { "Content-Type": "application/json" };

/** Writes the answer into the stream: as it comes where it is one, else as its only event. */
async function pour(response: Response, body: EventStreamBody): Promise<void> {
  if (!isEventStream(response) || response.body === null) {
    body.event("message", await response.text());
  } else {
    for await (const events of response.body) {
      if (!body.bytes(events)) break;
    }
  }
  body.end();
}

function isEventStream(response: Response): boolean {
  return response.headers.get("content-type") === "text/event-stream";
}
