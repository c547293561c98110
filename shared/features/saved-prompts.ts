import type { PromptSource } from "./feature.ts";

/** The prompts that a person has saved with `updateSettings`. */
export const savedPrompts: PromptSource = {
  async list({ settings }) {
    const { savedPrompts: saved } = await settings.read();
    return saved.map(({ name, text }) => ({
      name,
      title: name,
      description: "One of your saved prompts",
      requires: "mcp",
      arguments: [],
      render: async () => text,
    }));
  },
};
