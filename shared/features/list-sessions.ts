import { z } from "zod";
import { visibleText } from "../http/pages/untrusted-text.ts";
import { userKeyOf } from "../sessions/user-key.ts";
import { defineTool } from "./feature.ts";
import { listedSessionId } from "./listed-session-id.ts";

const USER_KEY = /^[\w-]{43}$/;
const TENANT_AND_OBJECT_ID = /^([0-9a-f-]{36})\/([0-9a-f-]{36})$/i;

const session = z.object({
  sessionId: z.string().describe("What revokeSession takes"),
  clientName: z.string().describe("The app's own claim; nobody has verified it"),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime().describe("When the app last renewed its access"),
  scopes: z.array(z.string()),
  current: z.boolean().describe("Whether this very call is made in it"),
});

export const listSessions = defineTool({
  name: "listSessions",
  title: "List my sessions",
  description:
    "The apps that are connected to this server as the signed-in person, with when they were connected and " +
    "last used. Another person's can be listed with the app role Mcp.Admin.",
  requires: "mcp",
  annotations: { readOnlyHint: true },
  input: z.object({
    user: z
      .string()
      .refine((user) => USER_KEY.test(user) || TENANT_AND_OBJECT_ID.test(user), {
        error: "must be a user key, or <tenant id>/<object id>",
      })
      .optional()
      .describe(
        "Whose sessions, for administrators: the person's key from the audit log, or their tenant id and " +
          "object id in Entra, with a slash between. Left out: the signed-in person's own",
      ),
  }),
  output: z.object({ sessions: z.array(session) }),
  async run({ user }, call) {
    const userKey = user === undefined ? call.session.userKey : toUserKey(user);
    const found = await call.sessions.list(userKey);
    return {
      sessions: found.map((each) => ({
        sessionId: listedSessionId(each),
        clientName: visibleText(each.clientName) || "An app that gives no name",
        createdAt: new Date(each.createdAt).toISOString(),
        lastUsedAt: new Date(each.lastUsedAt).toISOString(),
        scopes: [...each.scopes],
        current: each.id === call.session.id,
      })),
    };
  },
});

function toUserKey(user: string): string {
  const [, tenantId, objectId] = TENANT_AND_OBJECT_ID.exec(user) ?? [];
  return tenantId === undefined || objectId === undefined
    ? user
    : userKeyOf({ tenantId, objectId });
}
