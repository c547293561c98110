import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

/**
 * A client on Streamable HTTP that has its token already.
 *
 * @param revision "2025": sessions, a stream by GET. "2026": every request by itself.
 */
export async function tokenClient(
  baseUrl: string,
  token: string,
  revision: "2025" | "2026",
): Promise<Client> {
  const mode = revision === "2025" ? ("legacy" as const) : { pin: "2026-07-28" };
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", baseUrl), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  await client.connect(transport);
  return client;
}
