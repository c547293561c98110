import { z } from "zod";
import type { Change } from "../features/call.ts";
import { jsonRpcMessage } from "../mcp/json-rpc.ts";
import { SCOPES } from "../oauth/scopes.ts";
import type { Caller } from "../sessions/bearer.ts";

const session = z.object({
  id: z.string(),
  userKey: z.string(),
  clientId: z.string(),
  clientName: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  roles: z.array(z.string()),
  resource: z.string(),
  createdAt: z.number(),
  idleUntil: z.number(),
  endsAt: z.number(),
  claims: z.string().optional(),
  device: z.string().optional(),
});

const caller: z.ZodType<Caller> = z.object({ session, scopes: z.array(z.enum(SCOPES)) });

const change: z.ZodType<Change> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("resource-updated"), uri: z.string() }),
  z.object({ kind: z.enum(["tools-changed", "resources-changed", "prompts-changed"]) }),
]);

const connection = z.string();

const contents = z.discriminatedUnion("kind", [
  /** A message of a client for one of its connections. */
  z.object({
    kind: z.literal("message"),
    connection,
    caller,
    message: jsonRpcMessage,
  }),
  /** Something of a person's is different now. */
  z.object({ kind: z.literal("change"), userKey: z.string(), change }),
  /** A feed has a new value: for these people, or for everybody. */
  z.object({
    kind: z.literal("feed"),
    uri: z.string(),
    userKeys: z.array(z.string()).optional(),
    requiredRole: z.string().optional(),
    isNew: z.boolean(),
  }),
  /** A session may be about to end: said before, and once more when it has. */
  z.object({ kind: z.literal("session-doubted"), sessionId: z.string() }),
  z.object({ kind: z.literal("session-ended"), sessionId: z.string() }),
  /** A connection was ended by its client, by way of another instance. */
  z.object({ kind: z.literal("connection-ended"), connection }),
  /** The row of a connection has changed: what is remembered of it is out of date. */
  z.object({ kind: z.literal("connection-changed"), connection }),
  /** A client has come back for a stream of its session, to another instance. */
  z.object({ kind: z.literal("stream-resumed"), connection, stream: z.string() }),
  /** Answers that a connection could not deliver wait for this one, in the `events` table. */
  z.object({ kind: z.literal("answers-waiting"), connection, from: connection }),
]);

/** When it was sent, by the sender's clock (ms), and the span that sent it. */
const sent = z.object({ at: z.number(), traceparent: z.string().max(100).optional() });

/** What one instance tells another. It travels sealed: see `inbox.ts`. */
export const envelopeSchema = contents.and(z.object({ sent: sent.optional() }));

export type Envelope = z.infer<typeof envelopeSchema>;
