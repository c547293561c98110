import { settingsSchema } from "../sessions/personal-settings.ts";
import { defineTool } from "./feature.ts";
import { SETTINGS_URI } from "./settings-resource.ts";

export const updateSettings = defineTool({
  name: "updateSettings",
  title: "Change my settings",
  description:
    "Changes what the signed-in person keeps here. What is left out stays as it is; what is given replaces " +
    "the whole of filters, time zone or saved prompts.",
  requires: "mcp",
  annotations: { destructiveHint: false, idempotentHint: true },
  input: settingsSchema.partial(),
  output: settingsSchema,
  async run(input, call) {
    const { filters, timeZone, savedPrompts } = input;
    const settings = await call.settings.update({
      ...(filters !== undefined && { filters }),
      ...(timeZone !== undefined && { timeZone }),
      ...(savedPrompts !== undefined && { savedPrompts }),
    });
    await call.announce({ kind: "resource-updated", uri: SETTINGS_URI });
    if (savedPrompts !== undefined) await call.announce({ kind: "prompts-changed" });
    return settings;
  },
});
