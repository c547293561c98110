import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

/** The deployment package: what the Functions worker starts, and nothing else. */
const DIST = new URL("../dist/", import.meta.url);

/** Some dependencies are CommonJS and call `require`, which an ES module does not have. */
const BANNER = `import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`;

/** What only an instance with the setting for it loads is a bundle of its own, and costs the others nothing. */
const APART: Readonly<Record<string, string>> = {
  "telemetry.js": "../shared/telemetry/azure-monitor.ts",
  "redis.js": "../shared/redis/redis-client.ts",
};

/** On the same disk, so that a file can be moved into its place in one step. */
const STAGING = new URL("../.data/", import.meta.url);

/**
 * Builds the package with other features than the product's, for tests that need their own.
 *
 * @param folder Where the package goes; made if it is not there.
 * @param features The module that takes the place of `shared/features/all.ts`, with the same export.
 */
export async function buildPackageWith(folder: URL, features: URL): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writePackage(folder, features);
}

/**
 * Bundles the functions into `dist/`, each file replaced in one step: a host may be starting from the package
 * that is there.
 */
export async function buildPackage(): Promise<void> {
  await mkdir(DIST, { recursive: true });
  await mkdir(STAGING, { recursive: true });
  const staged = pathToFileURL(`${await mkdtemp(`${fileURLToPath(STAGING)}build-`)}/`);
  try {
    await writePackage(staged);
    const files = await readdir(staged);
    for (const file of files) await rename(new URL(file, staged), new URL(file, DIST));
    const stale = (await readdir(DIST)).filter((file) => !files.includes(file));
    for (const file of stale) await rm(new URL(file, DIST), { recursive: true, force: true });
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

async function writePackage(folder: URL, features?: URL): Promise<void> {
  await bundle("../functions/main.ts", new URL("main.js", folder), [
    keepingApart,
    inEnglish,
    ...(features === undefined ? [] : [replacingFeatures(features)]),
  ]);
  for (const [file, entryPoint] of Object.entries(APART)) {
    await bundle(entryPoint, new URL(file, folder));
  }
  await copyFile(new URL("../host.json", import.meta.url), new URL("host.json", folder));
  await writeFile(
    new URL("package.json", folder),
    `${JSON.stringify({ name: "entra-mcp-functions", type: "module", main: "main.js" }, null, 2)}\n`,
  );
}

async function bundle(entryPoint: string, outfile: URL, plugins: Plugin[] = []): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL(entryPoint, import.meta.url))],
    outfile: fileURLToPath(outfile),
    bundle: true,
    minify: true,
    keepNames: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // OpenTelemetry has its ES modules only there, and only of those can what is not used be left out.
    mainFields: ["module", "main"],
    // The Functions worker provides it.
    external: ["@azure/functions-core"],
    banner: { js: BANNER },
    logLevel: "warning",
    legalComments: "none",
    plugins,
  });
}

const keepingApart: Plugin = {
  name: "keeping-apart",
  setup(esbuild) {
    esbuild.onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      const target = pathToFileURL(join(resolveDir, path)).href;
      const apart = Object.entries(APART).find(
        ([, entryPoint]) => new URL(entryPoint, import.meta.url).href === target,
      );
      return apart && { path: `./${apart[0]}`, external: true };
    });
  },
};

/** zod brings its messages in fifty languages, a quarter of a megabyte that every start would have to read. */
const inEnglish: Plugin = {
  name: "in-english",
  setup(esbuild) {
    esbuild.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, ({ path }) => ({
      contents: `export { default as en } from "./en.js";`,
      resolveDir: dirname(path),
    }));
  },
};

/** The one place where a fork edits what the server offers is also where a test does. */
function replacingFeatures(features: URL): Plugin {
  return {
    name: "replacing-features",
    setup(esbuild) {
      esbuild.onResolve({ filter: /\/features\/all\.ts$/ }, ({ importer }) =>
        importer === fileURLToPath(features) ? undefined : { path: fileURLToPath(features) },
      );
    },
  };
}
