import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { checkHollowPoints } from "./hollow-points.ts";
import { scoredScenarios } from "./suite-summary.ts";

const CONFORMANCE = fileURLToPath(new URL("../../node_modules/.bin/conformance", import.meta.url));

/** How many scenarios each revision requires. */
const REQUIRED = { "2025-11-25": 30, "2026-07-28": 37 } as const;

/**
 * `npm run conformance`: the scenarios that the MCP conformance suite requires of a server, against three
 * instances behind a front end without affinity. The suite brings no token: the front end adds one.
 */
async function main(): Promise<void> {
  let token: string | undefined;
  const cluster = await startCluster({
    features: new URL("fixtures.ts", import.meta.url),
    headers: (): Record<string, string> =>
      token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  try {
    await requireToken(cluster);
    token = await signIn(cluster);
    for (const revision of Object.keys(REQUIRED) as (keyof typeof REQUIRED)[]) {
      await runSuite(`${cluster.baseUrl}/mcp`, revision);
    }
    await checkHollowPoints(cluster.baseUrl);
    requireAllInstances(cluster);
  } finally {
    await cluster.stop();
  }
}

/** Otherwise the token that the front end adds would prove nothing. */
async function requireToken({ baseUrl }: Cluster): Promise<void> {
  const { status } = await fetch(`${baseUrl}/mcp`, { method: "POST", body: "{}" });
  if (status !== 401) throw new Error(`without a token the answer is ${status}`);
}

async function signIn({ baseUrl }: Cluster): Promise<string> {
  const client = await new OAuthTestClient(baseUrl, fetch).register();
  const scope = "mcp user.read calendar.read";
  const tokens = await client.tokens("alice", { resource: `${baseUrl}/mcp`, scope });
  return tokens.access_token;
}

async function runSuite(url: string, revision: keyof typeof REQUIRED): Promise<void> {
  const suite = spawn(CONFORMANCE, ["server", "--url", url, "--requirements", revision], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  suite.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = (await once(suite, "exit")) as [number | null];
  const scored = scoredScenarios(output);
  const passed = scored.filter(({ passed: good, failed }) => good > 0 && failed === 0);
  console.log(`${revision}: ${passed.length} of ${REQUIRED[revision]} scenarios pass`);
  if (code === 0 && passed.length === REQUIRED[revision]) return;
  console.log(output);
  throw new Error(`the suite for ${revision} does not pass (it left with ${code})`);
}

/** A front end that had asked one instance only would have shown nothing. */
function requireAllInstances({ host, proxy }: Cluster): void {
  const shares = host.instances.map(({ url }) => proxy.given.get(url) ?? 0);
  console.log(`requests to each instance: ${shares.join(", ")}`);
  const least = shares.reduce((sum, share) => sum + share, 0) / shares.length / 2;
  if (shares.some((share) => share < least)) throw new Error("an instance was left out");
}

await main();
