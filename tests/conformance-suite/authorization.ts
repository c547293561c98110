import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "../../tools/stack/ports.ts";
import { startLocalStack } from "../support/local-stack.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { signIn } from "../support/sign-in.ts";
import { UserAgent } from "../support/user-agent.ts";

/**
 * `npm run conformance:auth`: the MCP conformance suite against this authorization server, as a person would
 * run it, with the pages walked by themselves. Without a client id its grant scenario would be skipped.
 */
async function main(): Promise<number> {
  const stack = await startLocalStack();
  try {
    const port = await freePort();
    const client = await new OAuthTestClient(stack.baseUrl, fetch).register({
      redirect_uris: [`http://127.0.0.1:${port}/callback`],
    });
    return await runSuite(stack.baseUrl, client.id, port);
  } finally {
    await stack.stop();
  }
}

async function runSuite(issuer: string, clientId: string, port: number): Promise<number> {
  const suite = spawn(
    fileURLToPath(new URL("../../node_modules/.bin/conformance", import.meta.url)),
    ["authorization", "--url", issuer, "--client-id", clientId, "-p", String(port)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const agent = new UserAgent();
  let output = "";
  let walked = false;
  suite.stdout.on("data", (chunk: Buffer) => {
    process.stdout.write(chunk);
    output += chunk.toString();
    const url = output.split(/\s/).find((word) => word.startsWith(`${issuer}/authorize?`));
    if (url === undefined || walked) return;
    walked = true;
    void signIn(agent, url, "alice").then((back) => agent.get(back));
  });
  const [code] = (await once(suite, "exit")) as [number | null];
  if (!walked)
    throw new Error("the suite never asked for a sign-in: its grant scenario did not run");
  return code ?? 1;
}

process.exitCode = await main();
