import { z } from "zod";
import type { Call } from "./call.ts";
import { defineTool } from "./feature.ts";

const userDetails = z.object({
  displayName: z.string().nullish(),
  mail: z.string().nullish(),
  userPrincipalName: z.string().nullish(),
  jobTitle: z.string().nullish(),
  department: z.string().nullish(),
  officeLocation: z.string().nullish(),
  preferredLanguage: z.string().nullish(),
});

/** @returns The person's profile in the directory. */
export function readUserDetails({ graph }: Call): Promise<z.infer<typeof userDetails>> {
  const select = Object.keys(userDetails.shape).join(",");
  return graph.get(`/v1.0/me?$select=${select}`, userDetails);
}

export const getUserDetails = defineTool({
  name: "getUserDetails",
  title: "Who am I",
  description: "The signed-in person's own profile in the directory: name, mail address, job.",
  requires: "user.read",
  annotations: { readOnlyHint: true, openWorldHint: true },
  input: z.object({}),
  output: userDetails,
  run: (_input, call) => readUserDetails(call),
  text: ({ displayName, mail, userPrincipalName, jobTitle }) =>
    `${displayName ?? "Unnamed"} <${mail ?? userPrincipalName ?? "no mail address"}>` +
    (jobTitle ? `, ${jobTitle}` : ""),
});
