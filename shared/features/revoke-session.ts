import { z } from "zod";
import { FeatureError } from "./feature-errors.ts";
import { defineTool } from "./feature.ts";
import { parseListedSessionId } from "./listed-session-id.ts";

const UNKNOWN =
  "There is no such session. It may have ended already; listSessions shows what there is.";

export const revokeSession = defineTool({
  name: "revokeSession",
  title: "End a session",
  description:
    "Disconnects one of the apps that listSessions shows: it can no longer act as the person, and has to ask " +
    "for a new sign-in. Ending the current session closes this very connection.",
  requires: "mcp",
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({ sessionId: z.string().describe("As listSessions shows it") }),
  output: z.object({
    ended: z.literal(true),
    current: z.boolean().describe("Whether it was the session of this call"),
  }),
  async run({ sessionId }, call) {
    const session = parseListedSessionId(sessionId);
    if (session === undefined) throw new FeatureError(UNKNOWN);
    const ended = await call.sessions.end(session.userKey, session.id);
    if (!ended) throw new FeatureError(UNKNOWN);
    return { ended, current: session.id === call.session.id };
  },
  text: ({ current }) =>
    current ? "This session has ended. The connection closes now." : "The session has ended.",
});
