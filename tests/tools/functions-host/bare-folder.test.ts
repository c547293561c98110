import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type Format } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { startFunctionsHost } from "../../../tools/functions-host/start-functions-host.ts";
import { eventually, FIXTURE_ROOT, send } from "./running-host.ts";

// Folders with nothing in them but what is deployed: no node_modules anywhere above.

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function createFolder(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "functions-host-"));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, "dist"), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const HOST_JSON = JSON.stringify({ version: "2.0", extensions: { http: { routePrefix: "" } } });
const ENV = { NO_TIMERS: "true", AzureWebJobsDisableHomepage: "true" };
const LIBRARY = createRequire(import.meta.url).resolve("@azure/functions");

async function bundle(format: Format, extension: string, type: string): Promise<string> {
  const root = createFolder({
    "host.json": HOST_JSON,
    "package.json": JSON.stringify({ main: `dist/main.${extension}`, type }),
  });
  const banner = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;
  await build({
    entryPoints: [join(FIXTURE_ROOT, "main.mjs")],
    outfile: join(root, "dist", `main.${extension}`),
    bundle: true,
    platform: "node",
    format,
    external: ["@azure/functions-core"],
    banner: format === "esm" ? { js: banner } : {},
    logLevel: "error",
  });
  return root;
}

test.concurrent.each([
  ["an ESM bundle", "esm", "js", "module"],
  ["a CommonJS bundle", "cjs", "cjs", "module"],
] as const)("%s with @azure/functions-core external runs", async (_, format, extension, type) => {
  const host = await startFunctionsHost({
    root: await bundle(format, extension, type),
    port: 0,
    env: ENV,
  });
  try {
    expect((await send(host.instances[0]?.url ?? "", "GET", "/")).body).toBe("the app's root");
  } finally {
    await host.stop();
  }
});

function app(code: string, hostJson = HOST_JSON): string {
  return createFolder({
    "host.json": hostJson,
    "package.json": JSON.stringify({ main: "dist/*.js" }),
    "dist/main.js": `const { app } = require(${JSON.stringify(LIBRARY)});\n${code}`,
  });
}

test.concurrent(
  "host.json's routePrefix stands before every route, and is api by default",
  async () => {
    const root = app(
      `app.setup({ enableHttpStream: true }); app.get("hello", () => ({ body: "hi" }));`,
      `{ "version": "2.0" }`,
    );
    const host = await startFunctionsHost({ root, port: 0 });
    const url = host.instances[0]?.url ?? "";
    expect((await send(url, "GET", "/api/hello")).body).toBe("hi");
    expect((await send(url, "GET", "/hello")).status).toBe(404);
    expect(host.timers).toBeUndefined();
    await expect(host.runTimer("any")).rejects.toThrow("no timer functions");
    await host.stop();
  },
);

test.concurrent("a function that outlives functionTimeout takes its worker with it", async () => {
  const root = app(
    `app.setup({ enableHttpStream: true }); app.get("slow", () => new Promise(() => {}));`,
    `{ "version": "2.0", "functionTimeout": "00:00:01" }`,
  );
  const lines: string[] = [];
  const host = await startFunctionsHost({
    root,
    port: 0,
    restart: false,
    onLine: (line) => lines.push(line),
  });
  await expect(send(host.instances[0]?.url ?? "", "GET", "/api/slow")).rejects.toThrow();
  expect(await host.instances[0]?.exited).toMatchObject({ code: 1 });
  await eventually(() => lines.find((line) => line.includes("Timeout value of 1000 ms exceeded")));
  await host.stop();
});

test.concurrent.each([
  ["throws", `throw new Error("no good");`, /local-1 did not start: .*dist.main\.js": no good/],
  ["registers nothing", "", /registered no functions/],
  ["does not stream", `app.get("x", () => ({}));`, /enableHttpStream: true/],
  ["leaves", "process.exit(3);", /ended before it was ready \(3\)/],
  [
    "fails in its appStart hook",
    `app.get("x", () => ({})); app.hook.appStart(() => { throw new Error("not ready"); });`,
    /not ready/,
  ],
])("an app that %s does not start, with its reason", async (_, code, reason) => {
  await expect(startFunctionsHost({ root: app(code), port: 0 })).rejects.toThrow(reason);
});

test.concurrent("a folder without a built app is named", async () => {
  const root = createFolder({
    "host.json": HOST_JSON,
    "package.json": `{ "main": "dist/main.js" }`,
  });
  await expect(startFunctionsHost({ root, port: 0 })).rejects.toThrow(/Has the app been built/);
  await expect(startFunctionsHost({ root: join(root, "none") })).rejects.toThrow(/no host\.json/);
});
