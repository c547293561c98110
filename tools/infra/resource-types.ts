import { readFileSync } from "node:fs";
import { z } from "zod";

const objectType = z.object({
  /** By name: its type as the tool writes it (`string`, `Sku`, `Sku[]`, `a | b | string`), and whether it must be there. */
  properties: z.record(
    z.string(),
    z.object({ type: z.string(), required: z.literal(true).optional() }),
  ),
  /** Whether any other property is fine too. */
  open: z.literal(true).optional(),
});

/** One of several, told apart by the value of one property. */
const variantType = z.object({
  discriminator: z.string(),
  variants: z.record(z.string(), objectType),
});

const resourceType = z.object({
  apiVersion: z.string(),
  /** The resource itself is the one without a name. */
  types: z.record(z.string(), z.union([objectType, variantType])),
});

export type ObjectType = z.infer<typeof objectType>;
export type VariantType = z.infer<typeof variantType>;
export type ResourceType = z.infer<typeof resourceType>;

/** Where the check learns what Azure's resources look like. */
export interface ResourceTypes {
  apiVersion(resource: string): string | undefined;
  /** @param name Of a type within the resource's; empty for the resource itself. */
  lookUp(resource: string, name: string): ObjectType | VariantType | undefined;
}

export const RESOURCE_TYPES_FILE = new URL("resource-types.json", import.meta.url);

const committed = z.object({ resources: z.record(z.string(), resourceType) });

/** What `generate-types.ts` has written: as much of each type as the Bicep of this project touches. */
export function committedTypes(): ResourceTypes {
  return typesOf(committed.parse(JSON.parse(readFileSync(RESOURCE_TYPES_FILE, "utf8"))).resources);
}

export function typesOf(resources: Readonly<Record<string, ResourceType>>): ResourceTypes {
  return {
    apiVersion: (resource) => resources[resource]?.apiVersion,
    lookUp: (resource, name) => resources[resource]?.types[name],
  };
}

/**
 * Types that the tool cannot describe. Their properties are looked at by the Bicep compiler only, where there is
 * one.
 */
export const NOT_DESCRIBED: readonly string[] = [
  "Microsoft.Cache/redisEnterprise",
  "Microsoft.Cache/redisEnterprise/databases",
  "Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments",
  "Microsoft.Graph/appRoleAssignedTo",
  "Microsoft.Graph/applications",
  "Microsoft.Graph/applications/federatedIdentityCredentials",
  "Microsoft.Graph/oauth2PermissionGrants",
  "Microsoft.Graph/servicePrincipals",
  "Microsoft.Insights/actionGroups",
  "Microsoft.Insights/diagnosticSettings",
  "Microsoft.Insights/metricAlerts",
  "Microsoft.Insights/scheduledQueryRules",
  "Microsoft.Network/privateDnsZones",
  "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
];
