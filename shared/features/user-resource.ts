import type { Resource } from "./feature.ts";
import { readUserDetails } from "./get-user-details.ts";

export const userResource: Resource = {
  uri: "user://me",
  name: "me",
  title: "Who am I",
  description: "The signed-in person's own profile in the directory.",
  mimeType: "application/json",
  requires: "user.read",
  read: async (call) => JSON.stringify(await readUserDetails(call)),
};
