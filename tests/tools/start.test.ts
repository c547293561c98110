import { beforeAll, describe, expect, it, vi } from "vitest";
import { ROOT } from "../../tools/stack/command-line.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { health } from "../support/health.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { connectAs, reconnect, TestProvider } from "../support/sdk-client.ts";
import { takePort } from "./functions-host/running-host.ts";
import { copyProject } from "./project-copy.ts";
import { listens, type RunningCommand, runCommand, runNpm } from "./running-command.ts";

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

interface Started extends RunningCommand {
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
    await end(started);
  });

  it("stops storage last: with a client connected, Ctrl-C is no outage to anybody", async () => {
    const started = await start(ports);
    const { close } = await reconnect(await readyUrl(started), provider);
    await end(started);
    await close();
    expect(started.output()).not.toContain("StorageUnavailable");
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

  it("whose npm is ended, and nothing but that, leaves nothing behind that listens", async () => {
    const flagged = await freePorts();
    const started = { ...runNpm("start", flagsOf(flagged), ROOT), ports: flagged };
    await readyUrl(started);
    started.child.kill("SIGTERM");
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

// In a copy: what somebody has tried out on this machine is theirs to forget.
describe("npm start with flags", () => {
  let root: URL;
  let ports: Started["ports"];
  let client: OAuthTestClient;
  beforeAll(async () => {
    const project = copyProject();
    ({ root } = project);
    ports = { ...(await freePorts()), "--port": await firstOfTwoFreePorts() };
    return project.remove;
  });

  it("--instances 2 serves two consecutive ports, which know the same clients", async () => {
    const started = await start(ports, { root, args: ["--instances", "2"] });
    const first = await readyUrl(started);
    expect(first).toBe(`http://localhost:${ports["--port"]}`);
    const second = `http://localhost:${ports["--port"] + 1}`;
    expect((await health(second)).instance).not.toBe((await health(first)).instance);
    client = await new OAuthTestClient(first, fetch).register();
    expect(await authorizeStatus(client, first)).toBe(200);
    expect(await authorizeStatus(client, second)).toBe(200);
    await end(started);
    expect(await listens(ports["--port"] + 1)).toBe(false);
  });

  it("--fresh forgets the client that a run without it still knows", async () => {
    const again = await start(ports, { root });
    expect(await authorizeStatus(client, await readyUrl(again))).toBe(200);
    await end(again);
    const fresh = await start(ports, { root, args: ["--fresh"] });
    expect(await authorizeStatus(client, await readyUrl(fresh))).toBe(400);
    await end(fresh);
  });
});

/** @returns How an instance answers a client that sends a person to it. */
async function authorizeStatus(client: OAuthTestClient, instanceUrl: string): Promise<number> {
  const { pathname, search } = client.authorizationUrl();
  return (await fetch(new URL(`${pathname}${search}`, instanceUrl))).status;
}

/** Presses Ctrl-C and waits until it is over. */
async function end(started: Started): Promise<void> {
  started.interrupt();
  expect(await started.code).toBe(0);
  await expectFree(started);
}

/** Runs the command of a project: this one, or a copy. */
async function start(
  given: Partial<Record<PortFlag, number>> = {},
  { root = ROOT, args = [] }: { root?: URL; args?: string[] } = {},
): Promise<Started> {
  const ports = { ...(await freePorts()), ...given };
  return { ...runCommand(new URL("tools/start.ts", root), [...flagsOf(ports), ...args]), ports };
}

function flagsOf(ports: Record<PortFlag, number>): string[] {
  return Object.entries(ports).flatMap(([flag, port]) => [flag, String(port)]);
}

async function freePorts(): Promise<Record<PortFlag, number>> {
  const entries: [PortFlag, number][] = [];
  for (const flag of PORT_FLAGS) entries.push([flag, await freePort()]);
  return Object.fromEntries(entries) as Record<PortFlag, number>;
}

async function firstOfTwoFreePorts(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (!(await listens(port + 1))) return port;
  }
}

/** Waits until it says that it is ready. @returns The origin of the URL that it prints, which answers. */
async function readyUrl({ output }: Started): Promise<string> {
  const pattern = /^ready: (http:\/\/localhost:\d+)\/mcp$/m;
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
      if (await listens(port)) open.push(flag);
    }
    return open;
  };
  await expect.poll(listening, { timeout: FREE_LIMIT_MS }).toEqual([]);
}
