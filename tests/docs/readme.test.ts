import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { ROOT } from "../../tools/stack/command-line.ts";
import { copyProject } from "../tools/project-copy.ts";

const run = promisify(execFile);

it("shows a tool that works where it is put as it says (README.md, Add a tool)", async () => {
  const { root, remove } = copyProject();
  onTestFinished(remove);
  const readme = readFileSync(new URL("README.md", ROOT), "utf8");
  const section = /^## Add a tool$([^]*?)^## /m.exec(readme)?.[1] ?? "";
  const [tool = "", imported = "", listed = ""] = blocks(section);
  const path = /The file, `([\w/.-]+)`/.exec(section)?.[1] ?? "";
  writeFileSync(new URL(path, root), tool);
  const list = new URL("shared/features/all.ts", root);
  const features = readFileSync(list, "utf8");
  writeFileSync(list, imported + features.replace("  tools: [\n", (begins) => begins + listed));

  const { stdout } = await run(
    process.execPath,
    ["--input-type=module", "--eval", callTool("countWords", { text: "one two  three" })],
    { cwd: fileURLToPath(root) },
  );
  expect(JSON.parse(stdout)).toEqual({ words: 3 });
});

function blocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = ""]) => code);
}

/** @returns A program that calls a tool of the project that it is run in. */
function callTool(name: string, input: unknown): string {
  return `
    import { features } from "./shared/features/all.ts";
    const tool = features.tools.find(({ name }) => name === ${JSON.stringify(name)});
    const { structured } = await tool.call(${JSON.stringify(input)}, {});
    console.log(JSON.stringify(structured));
  `;
}
