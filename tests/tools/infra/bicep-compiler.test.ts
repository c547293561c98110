import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { bicepVersion, compileBicep } from "../../../tools/infra/bicep-compiler.ts";
import { ROOT } from "../../../tools/stack/command-line.ts";

let bin: string;
beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), "bicep-"));
  vi.stubEnv("PATH", `${bin}${delimiter}/usr/bin${delimiter}/bin`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(bin, { recursive: true });
});

/** Puts a `bicep` on the path that does as the script says. */
async function bicep(script: string): Promise<void> {
  await writeFile(join(bin, "bicep"), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, "bicep"), 0o755);
}

it("is left out where there is none", () => {
  expect(bicepVersion()).toBeUndefined();
});

it("builds and lints, and finds nothing in what is sound", async () => {
  await bicep(`[ "$1" = --version ] && echo "Bicep CLI version 0"; exit 0`);
  expect(bicepVersion()).toBe("Bicep CLI version 0");
  expect(compileBicep(ROOT)).toEqual([]);
});

it("says each error and each warning once, with its place, though both commands name it", async () => {
  const main = join(fileURLToPath(ROOT), "infra/main.bicep");
  await bicep(`echo "${main}(12,3) : Warning no-unused-params: spare" >&2
[ "$1" = build ] && { echo "${main}(7,1) : Error BCP057: no such name" >&2; exit 1; }
exit 0`);
  expect(compileBicep(ROOT)).toEqual([
    { file: "infra/main.bicep", line: 12, message: "Warning no-unused-params: spare" },
    { file: "infra/main.bicep", line: 7, message: "Error BCP057: no such name" },
  ]);
});

it("that breaks down is a fault too", async () => {
  await bicep(`echo "out of memory" >&2; exit 134`);
  expect(compileBicep(ROOT)).toEqual([
    { file: "infra/main.bicep", message: "bicep failed: out of memory" },
  ]);
});
