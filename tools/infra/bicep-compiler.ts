import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Fault } from "./fault.ts";

const MAIN = "infra/main.bicep";

/** Such as `…/infra/main.bicep(12,3) : Error BCP057: …`. */
const DIAGNOSTIC = /^(?<path>.+\.bicep)\((?<line>\d+),\d+\) : (?<message>(?:Error|Warning) .+)$/;

/** @returns What the compiler is called, or undefined where there is none on the path. */
export function bicepVersion(): string | undefined {
  const { status, stdout } = run(["--version"]);
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * Builds and lints with the real compiler: expressions, the types of everything, Microsoft Graph's too. It
 * fetches the Graph extension when it has not got it yet. A warning counts: there is none today.
 */
export function compileBicep(root: URL): Fault[] {
  const main = fileURLToPath(new URL(MAIN, root));
  const results = [run(["build", main, "--stdout"]), run(["lint", main])];
  const lines = new Set(results.flatMap(({ stderr }) => stderr.split("\n")));
  const faults = [...lines].flatMap((line): Fault[] => {
    const { path, line: at, message } = DIAGNOSTIC.exec(line)?.groups ?? {};
    if (path === undefined || message === undefined) return [];
    return [{ file: path.replace(fileURLToPath(root), ""), line: Number(at), message }];
  });
  const failed = results.find(({ status }) => status !== 0);
  if (failed === undefined || faults.length > 0) return faults;
  return [{ file: MAIN, message: `bicep failed: ${failed.stderr.trim()}` }];
}

function run(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync("bicep", args, {
    encoding: "utf8",
    maxBuffer: 50_000_000,
  });
  // A command that is not there has no output either.
  return { status, stdout: stdout ?? "", stderr: stderr ?? "" };
}
