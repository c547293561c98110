import type { Clock } from "../../clock.ts";
import type { ClientConnection } from "../../http/client-connection.ts";
import type { Log } from "../../log.ts";
import type { Instances } from "../../relay/instances.ts";
import type { Lease } from "../../relay/lease.ts";
import type { Sender } from "../../relay/sender.ts";
import { EVENT_STREAM_HEADERS, EventStreamBody } from "../event-stream-body.ts";
import { isAnswer } from "../json-rpc.ts";
import { INSTANCE_GONE, unfinished } from "../instance-gone.ts";
import { waitOutOutage } from "../outage-patience.ts";
import type { WaitingAnswers } from "../waiting-answers.ts";
import { formatEventId, type StreamPosition } from "./event-id.ts";
import { handedOver, keptStreamName } from "./kept-stream.ts";
import type { McpSession } from "./mcp-session.ts";

/** How often it is looked whether more was written down. */
const LOOK_EVERY_MS = 100;

/** By then the instance that writes the stream has written something, or does not know it any more. */
const UNKNOWN_AFTER_LOOKS = 100;

export interface ResumedStreamDeps {
  readonly waitingAnswers: WaitingAnswers;
  readonly instances: Instances;
  readonly lease: Lease;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * `GET` with `Last-Event-ID` (MCP 2025-11-25, Streamable HTTP, resumability), at any instance: the one that
 * answers the request is told to write its stream down, and from there it goes on. Where that instance is
 * gone, the request fails in so many words.
 *
 * @param session Whose stream it is: a position leads to streams of this session only.
 */
export function resumeStream(
  deps: ResumedStreamDeps,
  session: McpSession,
  position: StreamPosition,
  client: ClientConnection,
): Response {
  const body = new EventStreamBody(client);
  body.keepAlive();
  body.endWith(client.disconnected);
  const fail = () => {
    body.event("message", JSON.stringify(unfinished(position.request, INSTANCE_GONE)));
    body.end();
  };
  goOn(deps, session, position, body, client.disconnected).then(
    (answered) => (answered ? body.end() : fail()),
    (error: unknown) => {
      deps.log.error("stream-not-resumed", error, { connection: session.id });
      fail();
    },
  );
  return new Response(body.stream, { headers: EVENT_STREAM_HEADERS });
}

/** @returns Whether the request was answered in the end; true also where nobody waits for it any more. */
async function goOn(
  deps: ResumedStreamDeps,
  session: McpSession,
  position: StreamPosition,
  body: EventStreamBody,
  gone: AbortSignal,
): Promise<boolean> {
  const stream = keptStreamName(session.id, position.stream);
  let known = false;
  let last = position.sequence;
  let mayFollow = await askForIt(deps, session, position);
  for (let looks = 1; body.open; looks++) {
    // Asked before it is looked: what an instance has written before it went is seen.
    if (position.instance !== deps.lease.id) {
      mayFollow &&= await deps.instances.isLive(position.instance);
    }
    const answered = await waitOutOutage(deps.clock, gone, async () => {
      const from = known ? last : -1;
      for await (const { sequence, message } of deps.waitingAnswers.read(stream, from)) {
        known = true;
        if (handedOver(sequence, message)?.running === false) mayFollow = false;
        if (sequence <= last) continue;
        const id = formatEventId({ ...position, sequence });
        body.block(`id: ${id}\nevent: message\ndata: ${JSON.stringify(message)}`);
        last = sequence;
        if (isAnswer(message)) return true;
      }
      return false;
    });
    // What was read stays for its hour: it may not arrive, or its client have come back once more already.
    if (answered) return true;
    if (!mayFollow || (!known && looks >= UNKNOWN_AFTER_LOOKS)) return false;
    await deps.clock.sleep(LOOK_EVERY_MS);
  }
  return true;
}

/** Has the instance that writes the stream write it down. @returns Whether it is there, and may know it. */
async function askForIt(
  { lease, instances, sender }: ResumedStreamDeps,
  session: McpSession,
  { instance, stream }: StreamPosition,
): Promise<boolean> {
  if (instance === lease.id) return session.handOver(stream);
  if (!(await instances.isLive(instance))) return false;
  await sender.send(instance, { kind: "stream-resumed", connection: session.id, stream });
  return true;
}
