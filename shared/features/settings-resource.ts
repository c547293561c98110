import type { Resource } from "./feature.ts";

export const SETTINGS_URI = "settings://me";

export const settingsResource: Resource = {
  uri: SETTINGS_URI,
  name: "settings",
  title: "My settings",
  description: "What the signed-in person keeps here: filters, time zone, saved prompts.",
  mimeType: "application/json",
  requires: "mcp",
  read: async ({ settings }) => JSON.stringify(await settings.read()),
};
