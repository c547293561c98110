import { readdir } from "node:fs/promises";
import { type BicepFile, readBicepFile } from "./bicep-file.ts";

/** Every `.bicep` file of the project, `infra/main.bicep` first. */
export async function readBicepFiles(root: URL): Promise<BicepFile[]> {
  const found = await readdir(new URL("infra/", root), { recursive: true });
  const names = found
    .filter((name) => name.endsWith(".bicep"))
    .map((name) => name.replaceAll("\\", "/"));
  const ordered = names.toSorted(
    (a, b) => a.split("/").length - b.split("/").length || a.localeCompare(b),
  );
  return Promise.all(ordered.map((name) => readBicepFile(root, `infra/${name}`)));
}
