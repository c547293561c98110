/**
 * What somebody needs to connect a client, printed after a deployment.
 *
 * @param {import("./environment.mjs").AzdEnvironment} environment
 */
export function instructions({ serverUrl }) {
  const url = `${serverUrl}/sse`;
  const vscode = JSON.stringify({ name: "entra-mcp", type: "sse", url });
  return `
ready: ${url}

Connect a client:
  Inspector   npx @modelcontextprotocol/inspector
              then choose transport "SSE", URL ${url}
  VS Code     code --add-mcp '${vscode}'
  Claude      claude mcp add --transport sse entra-mcp ${url}

The first minutes may answer 503: Azure takes a while to see new roles, Entra the new credential.`;
}
