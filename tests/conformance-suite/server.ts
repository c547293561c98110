import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";

const CONFORMANCE = fileURLToPath(new URL("../../node_modules/.bin/conformance", import.meta.url));

async function main(): Promise<void> {
  let token: string | undefined;
  const cluster = await startCluster({
    features: new URL("fixtures.ts", import.meta.url),
    headers: (): Record<string, string> =>
      token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  try {
    token = await accessToken(cluster);
    const url = `${cluster.baseUrl}/mcp`;
    const args = process.argv.slice(2);
    const suite = spawn(CONFORMANCE, ["server", "--url", url, ...args], { stdio: "inherit" });
    await once(suite, "exit");
    console.log(
      cluster.log
        .filter((l) => /error|warn|reject/i.test(l))
        .slice(-40)
        .join("\n"),
    );
  } finally {
    await cluster.stop();
  }
}
async function accessToken(cluster: Cluster): Promise<string> {
  const client = await new OAuthTestClient(cluster.baseUrl, fetch).register();
  const { access_token } = await client.tokens("alice", {
    resource: `${cluster.baseUrl}/mcp`,
    scope: "mcp user.read calendar.read",
  });
  return access_token;
}
await main();
