/** Everything that is counted. Alerts and the workbook ask for these names (`infra/queries`). */
export const METRICS = {
  "mcp.streams.open": { kind: "gauge", unit: "{stream}" },
  "mcp.relay.lag": { kind: "histogram", unit: "ms" },
  "mcp.sign_ins": { kind: "counter", unit: "{sign-in}" },
  "mcp.refreshes": { kind: "counter", unit: "{refresh}" },
  "mcp.tool_calls": { kind: "counter", unit: "{call}" },
  "mcp.headers_ignored": { kind: "counter", unit: "{request}" },
} as const satisfies Record<string, { kind: "gauge" | "histogram" | "counter"; unit: string }>;

type Metric = keyof typeof METRICS;
type Named<Kind> = {
  [Name in Metric]: (typeof METRICS)[Name]["kind"] extends Kind ? Name : never;
}[Metric];

export type Gauge = Named<"gauge">;
export type Histogram = Named<"histogram">;
export type Counter = Named<"counter">;
