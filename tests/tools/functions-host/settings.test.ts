import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readAppSettings, readLocalSettings } from "../../../tools/functions-host/settings.ts";

const folder = mkdtempSync(join(tmpdir(), "functions-host-settings-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: object | string): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

test("host.json has the defaults of Flex: prefix api and 30 minutes", () => {
  write("package.json", { main: "dist/main.js" });
  write("host.json", { version: "2.0" });
  expect(readAppSettings(folder)).toEqual({
    main: "dist/main.js",
    isModule: false,
    routePrefix: "api",
    functionTimeoutMs: 1_800_000,
    logLevels: {},
    recordsTraces: false,
  });
});

test.each([
  ["-1", undefined],
  ["00:10:00", 600_000],
  ["1.00:00:01", 86_401_000],
])("functionTimeout %s is %s ms", (functionTimeout, expected) => {
  write("package.json", { main: "main.js", type: "module" });
  write("host.json", { functionTimeout, extensions: { http: { routePrefix: "" } } });
  expect(readAppSettings(folder)).toMatchObject({
    isModule: true,
    routePrefix: "",
    functionTimeoutMs: expected,
  });
});

test("names the file that is missing or cannot be used", () => {
  expect(() => readAppSettings(join(folder, "none"))).toThrow("no host.json");
  write("host.json", "{ nonsense");
  expect(() => readAppSettings(folder)).toThrow(/host\.json cannot be used/);
  write("host.json", { functionTimeout: "soon" });
  expect(() => readAppSettings(folder)).toThrow(/functionTimeout "soon"/);
});

test("reads Values and Host.LocalHttpPort; a missing file is empty; encrypted values are refused", () => {
  const file = write("local.settings.json", {
    IsEncrypted: false,
    Values: { A: "1" },
    Host: { LocalHttpPort: 7072, CORS: "*" },
  });
  expect(readLocalSettings(file)).toEqual({ values: { A: "1" }, port: 7072 });
  expect(readLocalSettings(join(folder, "absent.json"))).toEqual({ values: {}, port: undefined });
  const encrypted = write("encrypted.json", { IsEncrypted: true });
  expect(() => readLocalSettings(encrypted)).toThrow(/encrypted/);
});

test.each([
  ["OpenTelemetry", true],
  ["opentelemetry", true],
  ["ApplicationInsights", false],
])("with telemetryMode %s the host records traces: %s", (telemetryMode, expected) => {
  write("package.json", { main: "main.js" });
  write("host.json", { telemetryMode });
  expect(readAppSettings(folder).recordsTraces).toBe(expected);
});
