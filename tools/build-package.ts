import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";

/** The deployment package: what the Functions worker starts, and nothing else. */
const DIST = new URL("../dist/", import.meta.url);

/** Some dependencies are CommonJS and call `require`, which an ES module does not have. */
const BANNER = `import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`;

/** Bundles the functions into `dist/`. */
export async function buildPackage(): Promise<void> {
  await rm(DIST, { recursive: true, force: true });
  await mkdir(DIST, { recursive: true });
  await build({
    entryPoints: [new URL("../functions/main.ts", import.meta.url).pathname],
    outfile: new URL("main.js", DIST).pathname,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // The Functions worker provides it.
    external: ["@azure/functions-core"],
    banner: { js: BANNER },
    logLevel: "warning",
    legalComments: "none",
  });
  await copyFile(new URL("../host.json", import.meta.url), new URL("host.json", DIST));
  await writeFile(
    new URL("package.json", DIST),
    `${JSON.stringify({ name: "entra-mcp-functions", type: "module", main: "main.js" }, null, 2)}\n`,
  );
}
