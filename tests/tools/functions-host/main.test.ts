import { spawn, type ChildProcess } from "node:child_process";
import { expect, test, type TestContext } from "vitest";
import { eventually, FIXTURE_ROOT, isAlive, MAIN, send, takePort } from "./running-host.ts";

const ENV = { TICK_SCHEDULE: "0 0 0 1 1 *" };

/** Runs the command as a shell would: in a process group of its own, which Ctrl-C would reach. */
function run(
  { onTestFinished }: TestContext,
  ...args: string[]
): {
  child: ChildProcess;
  output: () => string;
  code: Promise<number | null>;
} {
  const child = spawn(process.execPath, [MAIN, "--root", FIXTURE_ROOT, ...args], {
    env: { ...process.env, ...ENV },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return { child, output: () => text, code };
}

function pidsIn(output: string): number[] {
  return [...output.matchAll(/^ready .* pid (\d+)/gm)].map(([, pid]) => Number(pid));
}

test.concurrent(
  "prints a line for each instance, and on Ctrl-C runs the terminate hooks and leaves",
  async (context) => {
    const { child, output, code } = run(context, "--port", "0", "--instances", "2");
    await eventually(() => /^ready timers pid \d+ \(local-timers\)$/m.exec(output()) ?? undefined);
    const [, url = ""] =
      /^ready (http:\/\/localhost:\d+) pid \d+ \(local-1\)$/m.exec(output()) ?? [];
    expect((await send(url, "GET", "/pod")).status).toBe(200);
    process.kill(-(child.pid ?? 0), "SIGINT");
    expect(await code).toBe(0);
    expect(output().match(/appTerminate ran/g)).toHaveLength(3);
    expect(output()).not.toContain("reached the code");
    expect(pidsIn(output()).filter(isAlive)).toEqual([]);
  },
);

test.concurrent("SIGTERM ends it in the same order", async (context) => {
  const { child, output, code } = run(context, "--port", "0");
  await eventually(() => (output().includes("ready timers") ? true : undefined));
  child.kill("SIGTERM");
  expect(await code).toBe(0);
  expect(output()).toContain("local-1 | appTerminate ran in local-1");
});

test.concurrent("its instances leave when it is killed outright", async (context) => {
  const { child, output } = run(context, "--port", "0");
  await eventually(() => (output().includes("ready timers") ? true : undefined));
  const pids = pidsIn(output());
  expect(pids).toHaveLength(2);
  child.kill("SIGKILL");
  await eventually(() => (pids.some(isAlive) ? undefined : true));
});

test.concurrent(
  "a port that is taken ends it with a message that names --port",
  async (context) => {
    const { port, release } = await takePort();
    context.onTestFinished(release);
    const { output, code } = run(context, "--port", String(port));
    expect(await code).toBe(1);
    expect(output()).toContain(
      `Port ${port} is in use (EADDRINUSE). Choose another one with --port.`,
    );
  },
);

test.concurrent("with --no-restart it ends when its last instance has", async (context) => {
  const { output, code } = run(context, "--port", "0", "--no-restart");
  await eventually(() => (output().includes("ready timers") ? true : undefined));
  process.kill(pidsIn(output())[0] ?? 0, "SIGKILL");
  expect(await code).toBe(1);
});

test.concurrent("a flag that makes no sense is refused", async (context) => {
  const { output, code } = run(context, "--instances", "0");
  expect(await code).toBe(1);
  expect(output()).toContain("--instances takes a whole number from 1 to 64");
});
