import type { Prompt } from "./feature.ts";

const TONES = ["formal", "friendly", "short"];

export const introduceMe: Prompt = {
  name: "introduce-me",
  title: "Introduce me",
  description: "Writes a short introduction of the signed-in person from their profile.",
  arguments: [
    { name: "audience", description: "Who will read it, such as a new team", required: true },
    {
      name: "tone",
      description: "formal, friendly or short",
      complete: (typed) => TONES.filter((tone) => tone.startsWith(typed)),
    },
  ],
  render: async ({ audience, tone }) =>
    `Use the getUserDetails tool, then write an introduction of me for this audience: ${audience}. ` +
    `Tone: ${tone ?? "friendly"}. Do not invent anything that the profile does not say.`,
};
