/**
 * What somebody needs to connect a client, printed after a deployment.
 *
 * @param {import("./environment.mjs").AzdEnvironment} environment
 */
export function instructions({ serverUrl }) {
  const url = `${serverUrl}/mcp`;
  const vscode = JSON.stringify({ name: "entra-mcp", type: "http", url });
  const cursor = JSON.stringify({ mcpServers: { "entra-mcp": { url } } });
  return `
ready: ${url}
       ${serverUrl}/sse   for clients that speak HTTP+SSE only

Connect a client:
  Inspector   npx @modelcontextprotocol/inspector
              then choose transport "Streamable HTTP", URL ${url}
  VS Code     code --add-mcp '${vscode}'
  Claude      claude mcp add --transport http entra-mcp ${url}
  Cursor      add to ~/.cursor/mcp.json: ${cursor}

The first minutes may answer 503: Azure takes a while to see new roles, Entra the new credential.`;
}
