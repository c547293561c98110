import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ROOT } from "../../../tools/stack/command-line.ts";
import { azuriteConnectionString, planLocalStack } from "../../../tools/stack/local-settings.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "local-settings-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const SAMPLE = {
  AzureWebJobsStorage: "UseDevelopmentStorage=true",
  PUBLIC_BASE_URL: "http://localhost:7071",
  ENTRA_AUTHORITY_URL: "http://localhost:7080",
  GRAPH_BASE_URL: "http://localhost:7080",
  ENTRA_TENANT_ID: "sample",
};

function write(name: "local.settings.json" | "local.settings.sample.json", values: object): void {
  writeFileSync(join(folder, name), JSON.stringify({ IsEncrypted: false, Values: values }));
}

const plan = (flags = {}, env: Record<string, string> = {}) =>
  planLocalStack(pathToFileURL(`${folder}/`), flags, env);

describe("the settings of a local start", () => {
  it("are the sample's where there is no local.settings.json", () => {
    write("local.settings.sample.json", SAMPLE);
    expect(plan().values).toMatchObject({ ENTRA_TENANT_ID: "sample" });
  });

  it("are those of local.settings.json, and nothing of the sample, where there is one", () => {
    write("local.settings.sample.json", SAMPLE);
    write("local.settings.json", { ENTRA_TENANT_ID: "own" });
    expect(plan().values).toEqual({ ENTRA_TENANT_ID: "own" });
  });

  it("yield to a variable that is already in the environment", () => {
    write("local.settings.sample.json", SAMPLE);
    const env = { ENTRA_TENANT_ID: "environment", PUBLIC_BASE_URL: "http://localhost:7200" };
    expect(plan({}, env).values).toMatchObject(env);
    expect(plan({}, env).ports.app).toBe(7200);
  });

  it("take nothing else from the environment", () => {
    write("local.settings.sample.json", SAMPLE);
    expect(plan({}, { PATH: "/bin" }).values).not.toHaveProperty("PATH");
  });

  it("yield, file and environment both, to a flag", () => {
    write("local.settings.sample.json", SAMPLE);
    const env = {
      PUBLIC_BASE_URL: "http://localhost:7200",
      ENTRA_AUTHORITY_URL: "http://localhost:7280",
    };
    const { values, ports } = plan({ app: 7300, entra: 7380, table: 7302 }, env);
    expect(values).toMatchObject({
      PUBLIC_BASE_URL: "http://localhost:7300",
      ENTRA_AUTHORITY_URL: "http://localhost:7380",
      GRAPH_BASE_URL: "http://localhost:7380",
      AzureWebJobsStorage: azuriteConnectionString({ table: 7302, blob: 10_000, queue: 10_001 }),
    });
    expect(ports).toEqual({ app: 7300, entra: 7380, table: 7302, blob: 10_000, queue: 10_001 });
  });

  it("name the ports that everybody knows where nothing else is said", () => {
    write("local.settings.json", {});
    const ports = { app: 7071, table: 10_002, blob: 10_000, queue: 10_001, entra: 7080 };
    expect(plan().ports).toEqual(ports);
  });
});

describe("the Entra stand-in", () => {
  it.each([
    ["http://localhost:7080", true],
    ["http://127.0.0.1:7080", true],
    ["http://[::1]:7080", true],
    ["https://login.microsoftonline.com", false],
    ["https://localhost.evil.example", false],
    ["no url", false],
  ])("with ENTRA_AUTHORITY_URL %s is started: %s", (url, started) => {
    write("local.settings.json", { ...SAMPLE, ENTRA_AUTHORITY_URL: url });
    expect(plan().withEntra).toBe(started);
  });

  it("is not started where that line was deleted, for the real Entra", () => {
    const { ENTRA_AUTHORITY_URL: _, GRAPH_BASE_URL: __, ...real } = SAMPLE;
    write("local.settings.json", real);
    expect(plan().withEntra).toBe(false);
    expect(plan({ entra: 7380 }).values).not.toHaveProperty("ENTRA_AUTHORITY_URL");
  });

  it("goes by the environment before the file", () => {
    write("local.settings.json", SAMPLE);
    const env = { ENTRA_AUTHORITY_URL: "https://login.microsoftonline.com" };
    expect(plan({}, env).withEntra).toBe(false);
  });
});

describe("Azurite", () => {
  it.each([
    ["UseDevelopmentStorage=true", true],
    [azuriteConnectionString({ table: 1, blob: 2, queue: 3 }), true],
    ["DefaultEndpointsProtocol=https;AccountName=a;AccountKey=b", false],
  ])("is started for storage on this machine: %s", (AzureWebJobsStorage, started) => {
    write("local.settings.json", { AzureWebJobsStorage });
    expect(plan().withAzurite).toBe(started);
  });

  it("leaves a connection string of an account in Azure alone", () => {
    const AzureWebJobsStorage = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=b";
    write("local.settings.json", { AzureWebJobsStorage });
    expect(plan({ table: 1 }).values).toEqual({ AzureWebJobsStorage });
  });

  it("listens where the connection string says", () => {
    const ports = { table: 11, blob: 12, queue: 13 };
    write("local.settings.json", { AzureWebJobsStorage: azuriteConnectionString(ports) });
    expect(plan().ports).toMatchObject(ports);
  });
});

describe("the sample that is checked in", () => {
  it("starts everything on this machine", () => {
    const name = "local.settings.sample.json";
    copyFileSync(new URL(name, ROOT), join(folder, name));
    expect(plan()).toMatchObject({ withAzurite: true, withEntra: true });
  });
});
