/** The metrics of the server, as alerts and the workbook call them. The lag is in milliseconds. */
export const METRICS: readonly string[] = [
  "mcp.streams.open",
  "mcp.relay.lag",
  "mcp.sign_ins",
  "mcp.refreshes",
  "mcp.tool_calls",
];
