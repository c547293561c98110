import type { LoadTarget } from "../load/client.ts";
import type { Load, Protocol } from "../load/load-process.ts";
import { type Remote, startRemote } from "../remote.ts";
import type { Comparison } from "../results.ts";
import type { BareMcp } from "../servers/bare-mcp.ts";
import type { BareSse } from "../servers/bare-sse.ts";
import { startOurs } from "../servers/start-ours.ts";
import { comparedCalls, type Measured, type Rounds } from "./compared-calls.ts";

const CLIENTS = 50;

export interface DirectCallsOptions extends Rounds {
  readonly env: Readonly<Record<string, string>>;
  readonly tokens: readonly string[];
}

/**
 * Calls of a tool, on the app's handlers and on the SDK's own server without authentication, both mounted
 * directly on `node:http`, each server in a process of its own.
 */
export async function directCalls(
  load: Remote<Load>,
  { env, tokens, ...rounds }: DirectCallsOptions,
): Promise<Comparison[]> {
  const ours = await startOurs();
  const bareSse = await startRemote<BareSse>(new URL("../servers/bare-sse.ts", import.meta.url));
  const bareMcp = await startRemote<BareMcp>(new URL("../servers/bare-mcp.ts", import.meta.url));
  const url = await ours.ask("start", { env });
  const sseUrl = await bareSse.ask("start");
  const { stateless, withSessions } = await bareMcp.ask("start");

  const app = (protocol: Protocol): Measured => ({
    protocol,
    processorTime: () => ours.ask("processorTime"),
    operations: () => ours.ask("operations"),
    profile: (ms) => ours.ask("profile", { ms }),
    targets: clients(url, tokens),
  });
  const pairs = [
    { protocol: "/sse", ours: app("sse"), bare: bare("sse", bareSse, sseUrl) },
    {
      protocol: "/mcp, 2025-11-25",
      ours: app("mcp-2025"),
      bare: bare("mcp-2025", bareMcp, withSessions),
    },
    {
      protocol: "/mcp, 2026-07-28",
      ours: app("mcp-2026"),
      bare: bare("mcp-2026", bareMcp, stateless),
    },
  ];
  const compared: Comparison[] = [];
  for (const pair of pairs) compared.push(await comparedCalls(load, { ...pair, ...rounds }));
  for (const server of [ours, bareSse, bareMcp]) await server.stop();
  return compared;
}

function bare(protocol: Protocol, server: Remote<BareSse | BareMcp>, url: string): Measured {
  return { protocol, processorTime: () => server.ask("processorTime"), targets: clients(url) };
}

/** @returns Where each client goes: one of the sessions for each, or several clients for one. */
export function clients(
  url: string,
  tokens: readonly string[] = [],
  count = CLIENTS,
  postUrl = url,
): LoadTarget[] {
  return Array.from({ length: count }, (_, n) => ({
    streamUrl: url,
    postUrl,
    token: tokens[n % tokens.length],
  }));
}
