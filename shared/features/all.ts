import { calendarResource } from "./calendar-resource.ts";
import type { Features } from "./feature.ts";
import { feedResources } from "./feed-resources.ts";
import { getSettings } from "./get-settings.ts";
import { getUserDetails } from "./get-user-details.ts";
import { introduceMe } from "./introduce-me.ts";
import { listEvents } from "./list-events.ts";
import { listSessions } from "./list-sessions.ts";
import { planMyWeek } from "./plan-my-week.ts";
import { revokeSession } from "./revoke-session.ts";
import { savedPrompts } from "./saved-prompts.ts";
import { settingsResource } from "./settings-resource.ts";
import { updateSettings } from "./update-settings.ts";
import { userResource } from "./user-resource.ts";

/** Everything that this server offers. A new feature is a file beside this one and a line here. */
export const features: Features = {
  tools: [
    getUserDetails,
    getSettings,
    updateSettings,
    listEvents,
    listSessions,
    revokeSession,
    // Yours go here.
  ],
  resources: [userResource, settingsResource, calendarResource],
  resourceTemplates: [feedResources],
  prompts: [planMyWeek, introduceMe],
  promptSources: [savedPrompts],
};
