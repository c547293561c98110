import { z } from "zod";
import { features as product } from "../../shared/features/all.ts";
import { defineTool, type Features } from "../../shared/features/feature.ts";
import { watchedResource } from "./servers/watched-source.ts";

const echo = defineTool({
  name: "echo",
  title: "Echo",
  description: "Answers with what it was given.",
  requires: "mcp",
  annotations: { readOnlyHint: true },
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string() }),
  run: async ({ text }) => ({ text }),
});

/** The product's features, the tool that is called under load, and the resource that changes. */
export const features: Features = {
  ...product,
  tools: [...product.tools, echo],
  resources: [...product.resources, watchedResource],
};
