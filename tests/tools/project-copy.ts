import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ROOT } from "../../tools/stack/command-line.ts";
import { SAMPLE } from "../../tools/stack/local-settings.ts";

const PARTS = ["functions", "shared", "tools", "host.json", "package.json", SAMPLE];

/** The project as it is when somebody has just cloned it and installed its packages. */
export interface ProjectCopy {
  readonly root: URL;
  readonly remove: () => void;
}

/** Copies what the commands need, without anybody's settings, data or build. */
export function copyProject(): ProjectCopy {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "project-")));
  for (const part of PARTS) {
    cpSync(new URL(part, ROOT), join(folder, part), { recursive: true });
  }
  const packages = realpathSync(fileURLToPath(new URL("node_modules", ROOT)));
  symlinkSync(packages, join(folder, "node_modules"), "junction");
  return {
    root: pathToFileURL(`${folder}/`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
