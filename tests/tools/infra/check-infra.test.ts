import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkInfra } from "../../../tools/infra/check-infra.ts";
import { describeFault } from "../../../tools/infra/fault.ts";
import { ROOT } from "../../../tools/stack/command-line.ts";
import { IN_AZD, IN_IDS, IN_NAMES, IN_QUERIES, IN_RESOURCES, IN_SETTINGS } from "./plants.ts";

const PARTS = [
  "infra",
  "shared",
  "docs",
  "azure.yaml",
  ".funcignore",
  "host.json",
  "local.settings.sample.json",
];

let folder: string;
let root: URL;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "infra-"));
  root = pathToFileURL(`${folder}/`);
  for (const part of PARTS) await cp(new URL(part, ROOT), join(folder, part), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

/** Changes a file of the copy for once, and says what the check finds then. */
async function planted(file: string, before: string | RegExp, after: string): Promise<string[]> {
  const path = new URL(file, root);
  const text = await readFile(path, "utf8");
  const changed = text.replace(before, after);
  if (changed === text) throw new Error(`${file} has no ${before}`);
  await writeFile(path, changed);
  try {
    return (await checkInfra(root)).map(describeFault);
  } finally {
    await writeFile(path, text);
  }
}

it("finds nothing in the project as it is", async () => {
  expect((await checkInfra(root)).map(describeFault)).toEqual([]);
});

describe.each([
  ["resources", IN_RESOURCES],
  ["names", IN_NAMES],
  ["ids", IN_IDS],
  ["settings", IN_SETTINGS],
  ["azd's files", IN_AZD],
  ["queries", IN_QUERIES],
])("a fault in the %s is found:", (_where, plants) => {
  it.each(plants)("%s", async (_what, file, before, after, found) => {
    const faults = await planted(file, before, after);
    expect(faults.some((fault) => found.test(fault))).toBe(true);
  });
});
