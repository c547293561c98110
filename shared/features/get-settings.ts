import { z } from "zod";
import { settingsSchema } from "../sessions/personal-settings.ts";
import { defineTool } from "./feature.ts";

export const getSettings = defineTool({
  name: "getSettings",
  title: "Read my settings",
  description: "What the signed-in person keeps here: filters, time zone, saved prompts.",
  requires: "mcp",
  annotations: { readOnlyHint: true },
  input: z.object({}),
  output: settingsSchema,
  run: (_input, { settings }) => settings.read(),
});
