import { DATA_DIR, fail, readCommandLine, ROOT, stopOnSignal } from "./stack/command-line.ts";
import { hasCoreTools } from "./stack/core-tools.ts";
import { planLocalStack } from "./stack/local-settings.ts";
import { startStack } from "./stack/start-stack.ts";

/** `npm run stack`: only what the server leans on, for those who start the Functions host themselves. */
async function stack(): Promise<void> {
  const { flags, fresh } = readCommandLine();
  const plan = planLocalStack(ROOT, flags, process.env);
  const running = await startStack(plan, DATA_DIR, { allServices: hasCoreTools(), fresh });
  stopOnSignal(() => running.stop());
  console.log(`ready
${plan.withAzurite ? `  Azurite tables   http://127.0.0.1:${plan.ports.table}` : "  Storage as in AzureWebJobsStorage"}
${plan.withEntra ? `  Entra stand-in   http://localhost:${plan.ports.entra}   accounts: alice, bob, admin` : "  Entra as in ENTRA_AUTHORITY_URL"}

Next, in another terminal:
  npm run build
  cp local.settings.sample.json local.settings.json
  npx func start`);
}

await stack().catch(fail);
