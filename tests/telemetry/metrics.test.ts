import { beforeEach, describe, expect, it } from "vitest";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { RecordingTelemetry } from "../support/recording-telemetry.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";

const facade = useFacade();
let telemetry: RecordingTelemetry;
let app: TestApp;
let client: OAuthTestClient;

beforeEach(async () => {
  telemetry = new RecordingTelemetry();
  app = createTestApp({ entraUrl: facade.entra.url, telemetry });
  client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
});

/** What was counted, by the attributes. */
async function counted(metric: string): Promise<[Readonly<Record<string, unknown>>, unknown][]> {
  const measured = await telemetry.measured();
  return measured
    .filter(({ name }) => name === metric)
    .map(({ attributes, value }) => [attributes, value]);
}

describe("the metrics", () => {
  it("count sign-ins by how they ended", async () => {
    await client.code("alice");
    await client.code("bob");
    facade.entra.set({ tokenFault: 50057 });
    await expect(client.code("alice")).rejects.toThrow();
    expect(await counted("mcp.sign_ins")).toEqual([
      [{ outcome: "success" }, 2],
      [{ outcome: "denied" }, 1],
    ]);
  });

  it("count refreshes, and the tokens that were used twice", async () => {
    const { refresh_token: first } = await client.tokens("alice");
    const answer = await client.refresh(first);
    const { refresh_token: second } = (await answer.json()) as { refresh_token: string };
    await client.refresh(second);
    expect((await client.refresh(first)).status).toBe(400);
    expect(await counted("mcp.refreshes")).toEqual([
      [{ outcome: "success" }, 2],
      [{ outcome: "denied" }, 1],
    ]);
  });

  it("count calls by tool and outcome, and none of a tool that there is not", async () => {
    const { access_token: token } = await client.tokens("alice", { scope: "mcp user.read" });
    const stream = await EventStream.open(app, token);
    await stream.callTool("getUserDetails");
    await stream.callTool("getUserDetails");
    await stream.callTool("listEvents");
    const made = { name: "made-up", arguments: {} };
    await stream.post({ jsonrpc: "2.0", id: "x", method: "tools/call", params: made });
    await stream.next();
    expect(await counted("mcp.tool_calls")).toEqual([
      [{ tool: "getUserDetails", outcome: "success" }, 2],
      [{ tool: "listEvents", outcome: "denied" }, 1],
    ]);
  });

  it("show the streams that are open", async () => {
    const { access_token: token } = await client.tokens("alice");
    const streams = [await EventStream.open(app, token), await EventStream.open(app, token)];
    expect(await counted("mcp.streams.open")).toEqual([[{}, 2]]);
    await streams[0]?.drop();
    await expect.poll(() => counted("mcp.streams.open")).toEqual([[{}, 1]]);
  });
});
