import type { LocalPlan } from "./local-settings.ts";

/** What a person needs to connect a client, printed when everything answers. */
export function instructions(plan: LocalPlan, host: string): string {
  const base = plan.values["PUBLIC_BASE_URL"] ?? `http://localhost:${plan.ports.app}`;
  const url = `${base}/mcp`;
  const cursor = JSON.stringify({ mcpServers: { "entra-mcp": { url } } });
  const vscode = JSON.stringify({ name: "entra-mcp", type: "http", url });
  return `
ready: ${url}
       ${base}/sse   for clients that speak HTTP+SSE only

  Server      ${base}   (${host})
  Account     ${base}/account   which apps are connected
  Sign-in     ${plan.withEntra ? `http://localhost:${plan.ports.entra}   Entra stand-in; accounts: alice, bob, admin` : (plan.values["ENTRA_AUTHORITY_URL"] ?? "https://login.microsoftonline.com")}
  Storage     ${plan.withAzurite ? `http://127.0.0.1:${plan.ports.table}   Azurite tables, data in .data/` : "as in AzureWebJobsStorage"}

Connect a client:
  Inspector   npx @modelcontextprotocol/inspector
              then choose transport "Streamable HTTP", URL ${url}
  VS Code     code --add-mcp '${vscode}'
  Claude      claude mcp add --transport http entra-mcp ${url}
  Cursor      add to ~/.cursor/mcp.json: ${cursor}

Ctrl-C stops everything.`;
}
