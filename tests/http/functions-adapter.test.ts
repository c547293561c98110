import type { InvocationContext } from "@azure/functions";
import { expect, it } from "vitest";
import { functionsHandler } from "../../shared/http/functions-adapter.ts";

it("serves nothing from what the library says, where the worker received no message for the call", async () => {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const invocation = { invocationId: "unknown", info: write, warn: write, error: write };
  const claimed = new Request("https://mcp.example.com/health", { headers: { host: "localhost" } });
  const handle = functionsHandler("health");
  const answer = await handle(claimed, invocation as unknown as InvocationContext);
  expect(answer).toMatchObject({ status: 503, headers: { "Retry-After": "5" } });
  expect(JSON.stringify(answer.jsonBody)).toContain("unknown");
  expect(lines.join()).toContain("request-not-served");
});
