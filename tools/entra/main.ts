import { parseArgs } from "node:util";
import { ACCOUNT_NAMES, HOME_TENANT } from "./directory.ts";
import { startEntra } from "./start-entra.ts";

const USAGE = `node tools/entra/main.ts [--port 7080] [--data DIR]

Answers as Microsoft Entra ID and Microsoft Graph would, on loopback only; for development.
  --port  where to listen (0: any free port)
  --data  a folder for the keys, so that tokens survive a restart`;

const DEFAULT_PORT = 7080;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: String(DEFAULT_PORT) },
      data: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--port ${values.port} is not a port.`);
  }
  const entra = await startEntra({ port, ...(values.data && { dataDir: values.data }) });
  console.log(`Entra stand-in (development only) on ${entra.url}`);
  console.log(`  tenant ${HOME_TENANT.id}, accounts ${ACCOUNT_NAMES.join(", ")}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void entra.stop());
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
