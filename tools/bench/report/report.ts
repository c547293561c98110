import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import type { Results } from "../results.ts";
import { chart } from "./chart.ts";
import { figures } from "./figures.ts";

/** What stands between these is written here. */
const BEGIN = "<!-- figures: written by npm run bench -- --save -->";
const END = "<!-- end of figures -->";

export function printTables(results: Results): void {
  console.log(figures(results));
}

/**
 * Writes the results as JSON, their chart, and the page's figures.
 *
 * @param folder Of `benchmarks.md`; where there is none, it gets the figures alone.
 */
export async function save(results: Results, folder: URL): Promise<void> {
  await mkdir(new URL("benchmarks/", folder), { recursive: true });
  await write(new URL("benchmarks/results.json", folder), JSON.stringify(results));
  await writeFile(new URL("benchmarks/calls.svg", folder), chart(results.small.calls));
  const page = new URL("benchmarks.md", folder);
  const text = await readFile(page, "utf8").catch(() => `${BEGIN}\n${END}\n`);
  const [before = "", after = ""] = [text.split(BEGIN)[0], text.split(END)[1]];
  await write(page, `${before}${BEGIN}\n\n${figures(results)}\n\n${END}${after}`);
  console.error(`\nWritten: ${fileURLToPath(page)}`);
}

async function write(file: URL, text: string): Promise<void> {
  const path = fileURLToPath(file);
  await writeFile(file, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}
