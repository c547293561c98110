import { request as httpRequest } from "node:http";
import { expect, test, type TestContext } from "vitest";
import type { FunctionsHostOptions } from "../../../tools/functions-host/start-functions-host.ts";
import {
  eventually,
  isAlive,
  parse,
  send,
  startFixture,
  takePort,
  type RunningHost,
} from "./running-host.ts";

async function start(
  { onTestFinished }: TestContext,
  options: FunctionsHostOptions,
): Promise<RunningHost> {
  const running = await startFixture(options);
  onTestFinished(() => running.host.stop());
  return running;
}

// Where the timers play no part, their process is spared.
const NO_TIMERS = { NO_TIMERS: "true" };

interface Pod {
  pod: string;
  pid: number;
  setting: string;
}

async function pod(url: string): Promise<Pod> {
  return parse<Pod>((await send(url, "GET", "/pod")).body);
}

test.concurrent(
  "instances are processes of their own on consecutive ports, told apart by their pod names",
  async (context) => {
    const { port, release } = await takePort();
    await release();
    const { host } = await start(context, { instances: 2, port });
    expect(host.instances.map(({ url }) => url)).toEqual([
      `http://localhost:${port}`,
      `http://localhost:${port + 1}`,
    ]);
    const pods = await Promise.all(host.instances.map(({ url }) => pod(url)));
    expect(pods.map((one) => one.pod)).toEqual(["local-1", "local-2"]);
    expect(new Set([...pods.map(({ pid }) => pid), host.timers?.pid]).size).toBe(3);
  },
);

test.concurrent(
  "an instance that died comes back on its port under its pod name",
  async (context) => {
    const { host, url } = await start(context, { env: NO_TIMERS });
    const before = await pod(url);
    await host.instances[0]?.kill();
    const after = await eventually(() => pod(url).catch(() => undefined));
    expect(after.pod).toBe(before.pod);
    expect(after.pid).not.toBe(before.pid);
  },
);

test.concurrent("without restart it stays away, and the others go on", async (context) => {
  const { host, url, lines } = await start(context, {
    instances: 2,
    restart: false,
    env: NO_TIMERS,
  });
  await host.instances[0]?.kill("SIGKILL");
  expect(await host.instances[0]?.exited).toEqual({ code: null, signal: "SIGKILL" });
  await eventually(() => lines.find((line) => line === "local-1 ended (SIGKILL)"));
  await expect(pod(url)).rejects.toThrow();
  expect((await pod(host.instances[1]?.url ?? "")).pod).toBe("local-2");
});

test.concurrent(
  "env is over the settings file, and a pod name given by hand is kept",
  async (context) => {
    const { url } = await start(context, {
      env: { ...NO_TIMERS, FIXTURE_SETTING: "by hand", WEBSITE_POD_NAME: "pod-x" },
    });
    expect(await pod(url)).toMatchObject({ pod: "pod-x", setting: "by hand" });
  },
);

test.concurrent(
  "without AzureWebJobsDisableHomepage the root is the host's own page",
  async (context) => {
    const { url } = await start(context, {
      env: { ...NO_TIMERS, AzureWebJobsDisableHomepage: undefined },
    });
    const { status, headers, body } = await send(url, "GET", "/");
    expect([status, headers["content-type"]]).toEqual([200, "text/html"]);
    expect(body).not.toContain("the app's root");
  },
);

function readStream(url: string): { received: () => string; ended: Promise<string> } {
  let text = "";
  const ended = new Promise<string>((resolve) => {
    const request = httpRequest(`${url}/stream`, { agent: false }, (response) => {
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("error", () => resolve("broken off"));
      response.on("end", () => resolve("ended"));
    });
    request.on("error", () => resolve("broken off"));
    request.end();
  });
  return { received: () => text, ended };
}

async function openStream(running: RunningHost) {
  const stream = readStream(running.url);
  await eventually(() => stream.received() || undefined);
  return stream;
}

test.concurrent(
  "the end: appTerminate hooks run in every process, streams end, no signal reaches the code",
  async () => {
    const running = await startFixture({ instances: 2 });
    const stream = await openStream(running);
    const pids = [...running.host.instances, running.host.timers].map((one) => one?.pid ?? 0);
    await running.host.stop();
    expect(await stream.ended).toBe("ended");
    expect(stream.received()).toContain("bye");
    for (const name of ["local-1", "local-2", "local-timers"]) {
      expect(running.lines).toContain(`${name} appTerminate ran in ${name}`);
    }
    expect(running.lines.join("\n")).not.toMatch(/reached the code|ran after its end/);
    expect(pids.filter(isAlive)).toEqual([]);
  },
);

test.concurrent(
  "the end: an instance that has not left after 5 s is killed",
  async () => {
    const running = await startFixture({ env: { ...NO_TIMERS, HANG_AT_END: "true" } });
    const stream = await openStream(running);
    const started = performance.now();
    await running.host.stop();
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(4_900);
    expect(took).toBeLessThan(7_000);
    expect(await stream.ended).toBe("broken off");
    expect(running.lines.join("\n")).toContain("did not leave within 5 s");
  },
  20_000,
);
