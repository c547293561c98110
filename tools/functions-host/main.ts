import { parseArgs } from "node:util";
import { wholeNumber } from "../whole-number.ts";
import { startFunctionsHost, type FunctionsHost } from "./start-functions-host.ts";

const USAGE = `The local Functions host, for development only.

  node tools/functions-host/main.ts [--root DIR] [--port 7071] [--instances N] [--no-restart]

  --root        the folder of host.json and package.json (default: this one)
  --port        the first instance's port; the others follow (default: Host.LocalHttpPort, or 7071)
  --instances   how many instances serve HTTP, each a process of its own (default: 1)
  --no-restart  an instance that died stays away
`;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      root: { type: "string" },
      port: { type: "string" },
      instances: { type: "string" },
      "no-restart": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const restart = !values["no-restart"];
  const host = await startFunctionsHost({
    root: values.root,
    port: wholeNumber("--port", values.port, 0, 65_535),
    instances: wholeNumber("--instances", values.instances, 1, 64),
    restart,
    onLine: (line, source) => console.log(`${source} | ${line}`),
  });
  endOnSignal(host);
  for (const { url, pid, name } of host.instances) console.log(`ready ${url} pid ${pid} (${name})`);
  if (host.timers) console.log(`ready timers pid ${host.timers.pid} (${host.timers.name})`);
  if (!restart) {
    await Promise.all(host.instances.map(({ exited }) => exited));
    await host.stop();
    process.exitCode = 1;
  }
}

/** The first signal runs the terminate hooks; a second one does not wait for them. */
function endOnSignal(host: FunctionsHost): void {
  let isStopping = false;
  for (const signal of signals) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      void host.stop().then(() => process.exit(0));
    });
  }
}
