import type { z } from "zod";
import { isLoopback, settings, type Settings } from "./settings.ts";

type Setting = keyof Settings;

/** What a developer's machine has, all of it secret, and what takes its place in Azure, none of it secret. */
const FORMS = [
  { local: "ENTRA_CLIENT_SECRET", cloud: "AZURE_CLIENT_ID" },
  { local: "AzureWebJobsStorage", cloud: "STORAGE_TABLE_ENDPOINT" },
  { local: "LOCAL_KEY", cloud: "KEY_VAULT_KEY_ID" },
] as const satisfies { local: Setting; cloud: Setting }[];

/** What is asked for as the managed identity. */
const AS_MANAGED_IDENTITY = ["STORAGE_TABLE_ENDPOINT", "KEY_VAULT_KEY_ID"] as const;

const inOneForm = FORMS.reduce(
  (rules, { local, cloud }) =>
    rules
      .refine((given) => given[local] !== undefined || given[cloud] !== undefined, {
        path: [local],
        error: `must be set in development, and ${cloud} everywhere else`,
        when: areSound(local, cloud),
      })
      .refine((given) => given[local] === undefined || given[cloud] === undefined, {
        path: [cloud],
        error: `takes the place of ${local}: only one of them may be set`,
        when: areSound(local, cloud),
      })
      .refine((given) => given[local] === undefined || isLoopback(given.PUBLIC_BASE_URL), {
        path: [local],
        error: `is for development, so PUBLIC_BASE_URL must be on this machine; elsewhere set ${cloud}`,
        when: areSound(local, "PUBLIC_BASE_URL"),
      }),
  settings,
);

/** The settings, and what holds between them. Each fault names one setting. */
export const checkedSettings = inOneForm
  .refine(
    (given) =>
      given.AZURE_CLIENT_ID !== undefined ||
      AS_MANAGED_IDENTITY.every((name) => given[name] === undefined),
    {
      path: ["AZURE_CLIENT_ID"],
      error: `must name the managed identity that uses ${AS_MANAGED_IDENTITY.join(" and ")}`,
      when: areSound("AZURE_CLIENT_ID", ...AS_MANAGED_IDENTITY),
    },
  )
  .refine(({ PUBLIC_BASE_URL: url }) => isLoopback(url) || url.startsWith("https:"), {
    path: ["PUBLIC_BASE_URL"],
    error: "must be https, except on this machine (http://localhost:7071)",
    when: areSound("PUBLIC_BASE_URL"),
  })
  .refine(
    ({ ENTRA_TENANT_ID, ENTRA_ALLOWED_TENANTS }) =>
      ENTRA_TENANT_ID !== "organizations" || ENTRA_ALLOWED_TENANTS !== undefined,
    {
      path: ["ENTRA_ALLOWED_TENANTS"],
      error: "must say whose people may sign in, or * for any organisation",
      when: areSound("ENTRA_TENANT_ID", "ENTRA_ALLOWED_TENANTS"),
    },
  )
  .refine(
    ({ REDIS_URL: redis = "redis:", PUBLIC_BASE_URL }) =>
      isLoopback(PUBLIC_BASE_URL) || new URL(redis).password === "",
    {
      path: ["REDIS_URL"],
      error: "must carry no password, except on this machine: the managed identity signs in",
      when: areSound("REDIS_URL", "PUBLIC_BASE_URL"),
    },
  )
  .refine(({ REFRESH_IDLE_TTL, REFRESH_MAX_TTL }) => REFRESH_IDLE_TTL <= REFRESH_MAX_TTL, {
    path: ["REFRESH_IDLE_TTL"],
    error: "must not exceed REFRESH_MAX_TTL",
    when: areSound("REFRESH_IDLE_TTL", "REFRESH_MAX_TTL"),
  });

/** A rule about several settings is checked when each of these is good by itself, whatever the others are. */
function areSound(...names: Setting[]) {
  return ({ issues }: z.core.ParsePayload) =>
    !issues.some(({ path }) => names.some((name) => name === path?.[0]));
}
