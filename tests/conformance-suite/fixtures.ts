import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { audio, embedded, image, text } from "../../shared/features/content.ts";
import { FeatureError } from "../../shared/features/feature-errors.ts";
import {
  defineTool,
  type Features,
  type Prompt,
  type Resource,
  type ResourceTemplate,
} from "../../shared/features/feature.ts";
import { askingTools, contextPrompt } from "./asking-fixtures.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const WAV = Buffer.from("UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=", "base64");

const named = (name: string) => ({ name, title: name, description: `Fixture ${name}` });
const nothing = z.object({});

const contentTools = [
  defineTool({
    ...named("test_simple_text"),
    input: nothing,
    run: async () => "This is a simple text response for testing.",
  }),
  defineTool({
    ...named("test_image_content"),
    input: nothing,
    run: async () => [image(PNG, "image/png")],
  }),
  defineTool({
    ...named("test_audio_content"),
    input: nothing,
    run: async () => [audio(WAV, "audio/wav")],
  }),
  defineTool({
    ...named("test_embedded_resource"),
    input: nothing,
    run: async () => [
      embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
    ],
  }),
  defineTool({
    ...named("test_multiple_content_types"),
    input: nothing,
    run: async () => [
      text("Multiple content types test:"),
      image(PNG, "image/png"),
      embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
  }),
  defineTool({
    ...named("test_error_handling"),
    input: nothing,
    run: () => Promise.reject(new FeatureError("This tool intentionally returns an error.")),
  }),
];

const tellingTools = [
  defineTool({
    ...named("test_tool_with_progress"),
    input: nothing,
    async run(_input, call) {
      await call.progress({ progress: 0, total: 100 });
      await sleep(50);
      await call.progress({ progress: 50, total: 100 });
      await sleep(50);
      await call.progress({ progress: 100, total: 100 });
      return "Done.";
    },
  }),
  ...["test_tool_with_logging", "test_logging_tool"].map((name) =>
    defineTool({
      ...named(name),
      input: nothing,
      async run(_input, call) {
        await call.log("info", "Tool execution started");
        await sleep(50);
        await call.log("info", "Tool processing data");
        await sleep(50);
        await call.log("info", "Tool execution completed");
        return "Done.";
      },
    }),
  ),
  defineTool({
    ...named("test_trigger_tool_change"),
    input: nothing,
    async run(_input, call) {
      await call.announce({ kind: "tools-changed" });
      return "Done.";
    },
  }),
  defineTool({
    ...named("test_trigger_prompt_change"),
    input: nothing,
    async run(_input, call) {
      await call.announce({ kind: "prompts-changed" });
      return "Done.";
    },
  }),
  defineTool({
    ...named("test_x_mcp_header"),
    input: z.object({ region: z.string().meta({ "x-mcp-header": "Region" }).optional() }),
    run: async ({ region }) => `Region: ${region ?? "none"}`,
  }),
];

const resources: Resource[] = [
  {
    ...named("static-text"),
    uri: "test://static-text",
    mimeType: "text/plain",
    read: async () => "This is the content of the static text resource.",
  },
  {
    ...named("static-binary"),
    uri: "test://static-binary",
    mimeType: "image/png",
    read: async () => PNG,
  },
  {
    ...named("watched-resource"),
    uri: "test://watched-resource",
    mimeType: "text/plain",
    read: async () => "Watched.",
  },
];

const resourceTemplates: ResourceTemplate[] = [
  {
    ...named("template"),
    uriTemplate: "test://template/{id}/data",
    mimeType: "application/json",
    read: async ({ id }) =>
      JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id ?? ""}` }),
  },
];

const prompts: Prompt[] = [
  {
    ...named("test_simple_prompt"),
    arguments: [],
    render: async () => "This is a simple prompt for testing.",
  },
  {
    ...named("test_prompt_with_arguments"),
    arguments: [
      {
        name: "arg1",
        description: "First",
        required: true,
        complete: (typed) => ["paris", "park", "test"].filter((word) => word.startsWith(typed)),
      },
      { name: "arg2", description: "Second", required: true },
    ],
    render: async ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
  },
  {
    ...named("test_prompt_with_embedded_resource"),
    arguments: [{ name: "resourceUri", description: "What to embed", required: true }],
    render: async ({ resourceUri = "" }) => [
      {
        role: "user",
        content: embedded(resourceUri, "text/plain", "Embedded resource content for testing."),
      },
      { role: "user", content: text("Please process the embedded resource above.") },
    ],
  },
  {
    ...named("test_prompt_with_image"),
    arguments: [],
    render: async () => [
      { role: "user", content: image(PNG, "image/png") },
      { role: "user", content: text("Please analyze the image above.") },
    ],
  },
  contextPrompt,
];

/** What the scenarios of the MCP conformance suite call. It takes the place of the product's features. */
export const features: Features = {
  tools: [...contentTools, ...tellingTools, ...askingTools],
  resources,
  resourceTemplates,
  prompts,
  promptSources: [],
};
