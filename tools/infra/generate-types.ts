// Writes resource-types.json: npx node tools/infra/generate-types.ts
//
// The tool that knows the types is 140 MB and has a build for each platform, so it is fetched only here and not by
// `npm ci`. It describes one API version of each type, the newest that it knows.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { ROOT } from "../stack/command-line.ts";
import { readBicepFiles } from "./bicep-files.ts";
import { checkResources } from "./check-resources.ts";
import {
  NOT_DESCRIBED,
  type ObjectType,
  RESOURCE_TYPES_FILE,
  type ResourceType,
  typesOf,
} from "./resource-types.ts";

const TOOL = "@azure/mcp@2.0.5";

const described = z.object({
  name: z.string(),
  properties: z
    .array(z.object({ name: z.string(), type: z.string(), flags: z.string().optional() }))
    .nullish(),
  additionalPropertiesType: z.string().nullish(),
});
const variants = z.object({
  name: z.string(),
  discriminator: z.string(),
  baseProperties: described.shape.properties,
  elements: z.array(described),
});
const shape = z.union([variants, described]);
const answer = z.object({
  results: z.object({
    BicepSchemaResult: z.array(
      z.union([
        z.object({ $type: z.literal("Resource"), name: z.string(), bodyType: shape }),
        z.object({ $type: z.literal("ResourceInstanceFunction") }),
        z.intersection(z.object({ $type: z.string() }), shape),
      ]),
    ),
  }),
});

async function describe(type: string, home: string): Promise<ResourceType> {
  const args = ["--yes", TOOL, "bicepschema", "get", "--resource-type", type];
  const { stdout } = await promisify(execFile)("npx", args, {
    maxBuffer: 50_000_000,
    env: { ...process.env, HOME: home, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: "1" },
  });
  const parts = answer.parse(JSON.parse(stdout)).results.BicepSchemaResult;
  const resource: ResourceType = { apiVersion: "", types: {} };
  for (const part of parts) {
    if ("bodyType" in part) {
      resource.apiVersion = part.name.split("@")[1] ?? "";
      resource.types[""] = typeOf(part.bodyType);
    } else if ("name" in part) {
      resource.types[part.name] = typeOf(part);
    }
  }
  return resource;
}

function typeOf(given: z.infer<typeof shape>): ResourceType["types"][string] {
  if (!("discriminator" in given)) return objectType(given);
  const { discriminator, elements, baseProperties } = given;
  const base = baseProperties ?? [];
  return {
    discriminator,
    variants: Object.fromEntries(
      elements.map((element) => {
        const own = element.properties ?? [];
        const value = own.find(({ name }) => name === discriminator)?.type ?? element.name;
        return [value, objectType({ ...element, properties: [...base, ...own] })];
      }),
    ),
  };
}

/** Without what only Azure writes. */
function objectType({
  properties,
  additionalPropertiesType,
}: z.infer<typeof described>): ObjectType {
  const writable = (properties ?? []).filter(({ flags }) => flags?.includes("ReadOnly") !== true);
  return {
    properties: Object.fromEntries(
      writable.map(({ name, type, flags }) => [
        name,
        { type, ...(flags?.includes("Required") === true && { required: true as const }) },
      ]),
    ),
    ...(typeof additionalPropertiesType === "string" && { open: true as const }),
  };
}

const files = await readBicepFiles(ROOT);
const used = new Set(files.flatMap(({ resources }) => resources.map(({ type }) => type)));
const wanted = [...used].filter((type) => !NOT_DESCRIBED.includes(type)).toSorted();
const home = await mkdtemp(join(tmpdir(), "azure-types-"));
const whole: Record<string, ResourceType> = {};
for (const type of wanted) {
  whole[type] = await describe(type, home);
  console.log(`${type}@${whole[type].apiVersion}`);
}
await rm(home, { recursive: true });

// Only what the check asks for is kept: the whole is large, and nobody would read its changes.
const source = typesOf(whole);
const kept: Record<string, ResourceType> = Object.fromEntries(
  wanted.map((type) => [type, { apiVersion: whole[type]?.apiVersion ?? "", types: {} }]),
);
const faults = files.flatMap((file) =>
  checkResources(file, {
    apiVersion: (resource) => source.apiVersion(resource),
    lookUp(resource, name) {
      const found = source.lookUp(resource, name);
      const types = kept[resource]?.types;
      if (found !== undefined && types !== undefined) types[name] = found;
      return found;
    },
  }),
);
await writeFile(
  RESOURCE_TYPES_FILE,
  `${JSON.stringify({ source: TOOL, resources: kept }, null, 1)}\n`,
);
for (const fault of faults) console.log(fault);
