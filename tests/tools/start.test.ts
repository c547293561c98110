import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ROOT } from "../../tools/stack/command-line.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { health } from "../support/health.ts";
import { connectAs, reconnect, TestProvider } from "../support/sdk-client.ts";
import { takePort } from "./functions-host/running-host.ts";

const START = fileURLToPath(new URL("tools/start.ts", ROOT));
const READY_LIMIT_MS = 60_000;
const FREE_LIMIT_MS = 8_000;

type PortFlag = (typeof PORT_FLAGS)[number];
const PORT_FLAGS = [
  "--port",
  "--table-port",
  "--entra-port",
  "--blob-port",
  "--queue-port",
] as const;

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly code: Promise<number | null>;
  readonly ports: Record<PortFlag, number>;
}

// It builds, and starts four processes.
vi.setConfig({ testTimeout: 90_000 });

describe("npm start", () => {
  const provider = new TestProvider();
  let ports: Started["ports"];

  it("prints ready and a URL that answers; Ctrl-C ends it and frees its ports", async () => {
    const started = await start();
    ({ ports } = started);
    const baseUrl = await readyUrl(started);
    expect(baseUrl).toBe(`http://localhost:${ports["--port"]}`);
    const { close } = await connectAs(baseUrl, "alice", { provider });
    await close();
    // As a terminal does it: to the whole group.
    process.kill(-(started.child.pid ?? 0), "SIGINT");
    expect(await started.code).toBe(0);
    await expectFree(started);
  });

  it("started again, knows who had signed in; killed, leaves nothing behind that listens", async () => {
    const started = await start(ports);
    const tokens = provider.tokens();
    const { client, close } = await reconnect(await readyUrl(started), provider);
    const { structuredContent } = await client.callTool({ name: "getUserDetails" });
    expect(structuredContent).toMatchObject({ mail: "alice@contoso.example" });
    expect(provider.tokens()).toEqual(tokens);
    await close();
    started.child.kill("SIGKILL");
    await started.code;
    await expectFree(started);
  });

  it.each(["--port", "--table-port", "--entra-port"] as const)(
    "says which flag helps when the port of %s is taken, and exits with 1",
    async (flag) => {
      const taken = await takePort();
      const started = await start({ [flag]: taken.port });
      expect(await started.code).toBe(1);
      expect(started.output()).toContain(`Port ${taken.port} is taken.`);
      expect(started.output()).toContain(`npm start -- ${flag} ${taken.port + 100}`);
      // No stack: this is for the one who typed the command.
      expect(started.output()).not.toContain("    at ");
      await taken.release();
      await expectFree(started);
    },
  );
});

/** Runs the command in a process group of its own, as a terminal does. */
async function start(given: Partial<Record<PortFlag, number>> = {}): Promise<Started> {
  const ports = { ...(await freePorts()), ...given };
  const flags = Object.entries(ports).flatMap(([flag, port]) => [flag, String(port)]);
  const child = spawn(process.execPath, [START, ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  }
  onTestFinished(() => void child.kill("SIGKILL"));
  const code = new Promise<number | null>((resolve) => child.on("exit", resolve));
  return { child, output: () => text, code, ports };
}

async function freePorts(): Promise<Record<PortFlag, number>> {
  const entries: [PortFlag, number][] = [];
  for (const flag of PORT_FLAGS) entries.push([flag, await freePort()]);
  return Object.fromEntries(entries) as Record<PortFlag, number>;
}

/** Waits until it says that it is ready. @returns The origin of the URL that it prints, which answers. */
async function readyUrl({ output }: Started): Promise<string> {
  const pattern = /^ready: (http:\/\/localhost:\d+)\/sse$/m;
  await expect.poll(output, { timeout: READY_LIMIT_MS }).toMatch(pattern);
  const url = pattern.exec(output())?.[1] ?? "";
  expect((await health(url)).status).toBe("ok");
  return url;
}

/** Expects that nothing listens on its ports any more. */
async function expectFree({ ports }: Started): Promise<void> {
  const listening = async () => {
    const open: string[] = [];
    for (const [flag, port] of Object.entries(ports)) {
      if ((await listens(port, "127.0.0.1")) || (await listens(port, "::1"))) open.push(flag);
    }
    return open;
  };
  await expect.poll(listening, { timeout: FREE_LIMIT_MS }).toEqual([]);
}

function listens(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
