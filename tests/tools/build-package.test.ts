import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { buildPackage } from "../../tools/build-package.ts";
import { ACCOUNTS } from "../../tools/entra/directory.ts";
import { startEntra } from "../../tools/entra/start-entra.ts";
import { startFunctionsHost } from "../../tools/functions-host/start-functions-host.ts";
import { ROOT } from "../../tools/stack/command-line.ts";
import { planLocalStack, SAMPLE } from "../../tools/stack/local-settings.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { startAzurite } from "../../tools/stack/start-azurite.ts";
import { health } from "../support/health.ts";
import { recorder } from "../support/redaction/recorder.ts";
import { connectAs } from "../support/sdk-client.ts";

const DIST = fileURLToPath(new URL("dist/", ROOT));
const PACKAGE = ["host.json", "main.js", "package.json", "redis.js", "telemetry.js"];

it("replaces the package without a moment in which it is not there: a host may be starting from it", async () => {
  const missing = new Set<string>();
  let building = true;
  const look = () => {
    for (const name of PACKAGE) if (!existsSync(join(DIST, name))) missing.add(name);
    if (building) setTimeout(look, 1);
  };
  look();
  await Promise.all([buildPackage(), buildPackage()]);
  building = false;
  expect([...missing]).toEqual([]);
  expect(readdirSync(DIST).toSorted()).toEqual(PACKAGE);
}, 60_000);

it("the package, all that azd uploads, is below 3 MB before it is zipped", () => {
  const bytes = PACKAGE.map((name) => statSync(join(DIST, name)).size);
  expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(3_000_000);
});

it("who sends no telemetry loads nothing of what sends it: the exporters are in a file of their own", () => {
  // The path of Application Insights' ingestion endpoint.
  const holders = ["main.js", "telemetry.js"].filter((name) =>
    readFileSync(join(DIST, name), "utf8").includes("/v2.1/track"),
  );
  expect(holders).toEqual(["telemetry.js"]);
});

it("the package needs nothing but itself and its settings to sign a person in and answer a tool call", async () => {
  // Outside the repository, where no node_modules is anywhere above.
  const root = mkdtempSync(join(tmpdir(), "package-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  cpSync(DIST, root, { recursive: true });
  expect(readdirSync(root).toSorted()).toEqual(PACKAGE);

  const [app, table] = [await freePort(), await freePort()];
  const ports = { app, table, blob: 10_000, queue: 10_001 };
  const azurite = await startAzurite({ ports });
  onTestFinished(() => azurite.stop());
  const entra = await startEntra({ port: 0 });
  onTestFinished(() => entra.stop());
  const { values } = planLocalStack(ROOT, { ...ports, entra: entra.port }, {}, SAMPLE);
  const host = await startFunctionsHost({ root, port: app, env: values, onLine: recorder.line });
  onTestFinished(() => host.stop());

  const baseUrl = `http://localhost:${app}`;
  expect((await health(baseUrl)).status).toBe("ok");
  const { client, close } = await connectAs(baseUrl, "alice");
  onTestFinished(close);
  const { structuredContent } = await client.callTool({ name: "getUserDetails" });
  const { displayName, mail } = ACCOUNTS.alice.profile;
  expect(structuredContent).toMatchObject({ displayName, mail });
}, 60_000);
