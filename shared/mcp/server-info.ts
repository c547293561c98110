import packageJson from "../../package.json" with { type: "json" };
import { branding } from "../branding.ts";

/** What the server says about itself, whatever the revision. */
export const SERVER_INFO = {
  name: packageJson.name,
  title: branding.productName,
  version: packageJson.version,
};

export const SERVER_CAPABILITIES = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
};

/** For the model. */
export const INSTRUCTIONS =
  "Every tool acts as the signed-in person and sees only what they may see.";
