import { readFile } from "node:fs/promises";
import { z } from "zod";
import { SETTINGS } from "../../shared/settings.ts";
import { SAMPLE } from "../stack/local-settings.ts";
import type { BicepFile } from "./bicep-file.ts";
import type { Fault } from "./fault.ts";
import { DEVELOPMENT_ONLY, FROM_THE_PLATFORM, HOST_ONLY, PRODUCT } from "./settings.ts";
import { lineOf, type Property, propertiesOf, property } from "./syntax.ts";

const LISTS = "tools/infra/settings.ts";
const BICEP = "infra/modules/settings.bicep";
const DOCS = "docs/operate.md";

/** What is written is what is read: code, Bicep, sample and documentation name the same settings. */
export async function checkSettings(files: readonly BicepFile[], root: URL): Promise<Fault[]> {
  const sample = await namesInSample(root);
  const written = settingsInBicep(files);
  return [
    ...compare("shared/settings.ts", "read", SETTINGS, [
      ...PRODUCT,
      ...DEVELOPMENT_ONLY,
      ...FROM_THE_PLATFORM,
    ]),
    ...compare(
      BICEP,
      "written",
      written.map(({ name }) => name ?? "?"),
      [...PRODUCT, ...HOST_ONLY.azure],
    ),
    ...mixedUp(written),
    ...compare(DOCS, "described", await namesInDocs(root), [...PRODUCT, ...DEVELOPMENT_ONLY]),
    ...missing(SAMPLE, "written", sample, [...DEVELOPMENT_ONLY, ...HOST_ONLY.local]),
    ...surplus(SAMPLE, sample, [...PRODUCT, ...DEVELOPMENT_ONLY, ...HOST_ONLY.local]),
  ];
}

function settingsInBicep(files: readonly BicepFile[]): Property[] {
  const settings = files
    .flatMap(({ resources }) => resources)
    .find(({ type, body }) => {
      return (
        type === "Microsoft.Web/sites/config" && property(body, "name")?.text === "'appsettings'"
      );
    });
  const properties = property(settings?.body, "properties");
  return properties === undefined ? [] : propertiesOf(properties);
}

/** A parameter that is called as a setting, `accessTokenTtl` say, is for that setting. */
function mixedUp(written: readonly Property[]): Fault[] {
  const settingOf = new Map(PRODUCT.map((name) => [camelCase(name), name as string]));
  return written.flatMap(({ name, value }) => {
    const other = value.type === "identifier" ? settingOf.get(value.text) : undefined;
    if (other === undefined || other === name) return [];
    return [{ file: BICEP, line: lineOf(value), message: `${name} is given ${other}'s value` }];
  });
}

function camelCase(setting: string): string {
  return setting.toLowerCase().replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

async function namesInSample(root: URL): Promise<string[]> {
  const text = await readFile(new URL(SAMPLE, root), "utf8");
  const { Values } = z.object({ Values: z.record(z.string(), z.string()) }).parse(JSON.parse(text));
  return Object.keys(Values);
}

/** The first column of the table under "Settings", where a row may have two. */
async function namesInDocs(root: URL): Promise<string[]> {
  const text = await readFile(new URL(DOCS, root), "utf8");
  const section = /^## Settings$([^]*?)^## /m.exec(text)?.[1] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ""),
  );
}

function compare(
  file: string,
  verb: string,
  found: readonly string[],
  listed: readonly string[],
): Fault[] {
  return [...missing(file, verb, found, listed), ...surplus(file, found, listed)];
}

function missing(
  file: string,
  verb: string,
  found: readonly string[],
  listed: readonly string[],
): Fault[] {
  return listed
    .filter((name) => !found.includes(name))
    .map((name) => ({ file, message: `${name} is not ${verb} here, as ${LISTS} has it` }));
}

function surplus(file: string, found: readonly string[], listed: readonly string[]): Fault[] {
  return found
    .filter((name) => !listed.includes(name))
    .map((name) => ({ file, message: `${name} does not belong here, says ${LISTS}` }));
}
