import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ACCOUNTS } from "../../tools/entra/directory.ts";
import { ROOT } from "../../tools/stack/command-line.ts";
import { azuriteConnectionString, type Ports, SAMPLE } from "../../tools/stack/local-settings.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { health } from "../support/health.ts";
import { connectAs } from "../support/sdk-client.ts";
import { copyProject, type ProjectCopy } from "./project-copy.ts";
import { listens, type RunningCommand, runCommand } from "./running-command.ts";

const READY_LIMIT_MS = 30_000;

// It starts five processes.
vi.setConfig({ testTimeout: 60_000 });

describe("npm run stack, with the settings of the sample", () => {
  let project: ProjectCopy;
  let ports: Ports;
  beforeAll(async () => {
    project = copyProject();
    ports = {
      app: await freePort(),
      table: await freePort(),
      blob: await freePort(),
      queue: await freePort(),
      entra: await freePort(),
    };
  });
  afterAll(() => project.remove());

  it("starts Azurite and the Entra stand-in and no server; Ctrl-C ends both", async () => {
    const stack = await startStack();
    expect(await listens(ports.table)).toBe(true);
    expect(await listens(ports.entra)).toBe(true);
    expect(await listens(ports.app)).toBe(false);
    await end(stack);
    expect(await listens(ports.table)).toBe(false);
    expect(await listens(ports.entra)).toBe(false);
  });

  it("is all that the local Functions host needs beside a copy of the sample", async () => {
    const stack = await startStack();
    const folder = mkdtempSync(join(tmpdir(), "host-"));
    try {
      cpSync(new URL("dist/", ROOT), folder, { recursive: true });
      writeFileSync(join(folder, "local.settings.json"), sampleOn(ports));
      const host = runCommand(new URL("tools/functions-host/main.ts", project.root), [], folder);
      const baseUrl = `http://localhost:${ports.app}`;
      await expect.poll(host.output, { timeout: READY_LIMIT_MS }).toContain(`ready ${baseUrl} pid`);
      expect((await health(baseUrl)).status).toBe("ok");
      const { client, close } = await connectAs(baseUrl, "alice");
      const { structuredContent } = await client.callTool({ name: "getUserDetails" });
      expect(structuredContent).toMatchObject({ mail: ACCOUNTS.alice.profile.mail });
      await close();
      await end(host);
    } finally {
      rmSync(folder, { recursive: true });
    }
    await end(stack);
  });

  async function startStack(): Promise<RunningCommand> {
    const flags = Object.entries({
      "--port": ports.app,
      "--table-port": ports.table,
      "--blob-port": ports.blob,
      "--queue-port": ports.queue,
      "--entra-port": ports.entra,
    }).flatMap(([flag, port]) => [flag, String(port)]);
    const stack = runCommand(new URL("tools/stack.ts", project.root), flags);
    await expect.poll(stack.output, { timeout: READY_LIMIT_MS }).toMatch(/^ready$/m);
    return stack;
  }
});

/** @returns The sample as local settings, on other ports. */
function sampleOn(ports: Ports): string {
  const sample = readFileSync(new URL(SAMPLE, ROOT), "utf8");
  return sample
    .replace("UseDevelopmentStorage=true", azuriteConnectionString(ports))
    .replaceAll("7071", String(ports.app))
    .replaceAll("7080", String(ports.entra));
}

async function end(command: RunningCommand): Promise<void> {
  command.interrupt();
  expect(await command.code).toBe(0);
}
