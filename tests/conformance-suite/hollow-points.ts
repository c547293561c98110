import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";

/**
 * What the suite's scenarios do not look at closely: some take any 4xx for a refusal, and a tool's error for
 * its answer. Each of these points fails by itself.
 */
export async function checkHollowPoints(baseUrl: string): Promise<void> {
  const points = { ...POINTS };
  for (const [point, check] of Object.entries(points)) {
    await check(new URL("/mcp", baseUrl));
    console.log(`  ${point}`);
  }
}

const CAPABILITIES = { elicitation: {}, sampling: {}, roots: {} };

type Era = "2025-11-25" | "2026-07-28";

/** A client of the SDK that answers what it is asked. */
async function connect(url: URL, era: Era): Promise<ModernClient> {
  const mode = era === "2025-11-25" ? "legacy" : { pin: era };
  const client = new ModernClient(
    { name: "hollow-points", version: "1" },
    { capabilities: CAPABILITIES, versionNegotiation: { mode } },
  );
  client.setRequestHandler("elicitation/create", () => ({
    action: "accept",
    content: { username: "ann", email: "ann@example.com", name: "Ann", ok: true, color: "red" },
  }));
  client.setRequestHandler("sampling/createMessage", () => ({
    role: "assistant",
    content: { type: "text", text: "the model's words" },
    model: "m",
  }));
  client.setRequestHandler("roots/list", () => ({ roots: [{ uri: "file:///work" }] }));
  await client.connect(new StreamableHTTPClientTransport(url));
  return client;
}

/** @returns What a tool has said, if it was no error. */
async function say(client: ModernClient, name: string, args = {}): Promise<string> {
  const { content, isError } = await client.callTool({ name, arguments: args });
  ok(isError !== true, `${name} is an error: ${JSON.stringify(content)}`);
  return content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

const rawMeta = (capabilities: Record<string, unknown> = {}) => ({
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": capabilities,
});

/** A request as of 2026-07-28, on the wire. */
async function raw(
  url: URL,
  method: string,
  params: Record<string, unknown>,
  options: { headers?: Record<string, string>; capabilities?: Record<string, unknown> } = {},
) {
  const named = params["name"] ?? params["uri"];
  const response = await fetch(url, {
    method: "POST",
    headers: {
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(typeof named === "string" && { "mcp-name": named }),
      ...options.headers,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method,
      params: { ...params, _meta: rawMeta(options.capabilities) },
    }),
  });
  return { status: response.status, body: (await response.json()) as Raw };
}
interface Raw {
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly data?: unknown };
}

const POINTS: Readonly<Record<string, (url: URL) => Promise<void>>> = {
  async "a foreign Origin is 403, and not just any refusal"(url) {
    const refused = await raw(
      url,
      "server/discover",
      {},
      { headers: { origin: "http://evil.example" } },
    );
    strictEqual(refused.status, 403);
  },
  async "sampling and elicitation bring the client's own answer into the result (2025)"(url) {
    const client = await connect(url, "2025-11-25");
    match(await say(client, "test_sampling", { prompt: "?" }), /the model's words/);
    match(await say(client, "test_elicitation", { message: "?" }), /ann@example\.com/);
    match(await say(client, "test_elicitation_sep1034_defaults"), /"action":"accept"/);
    match(await say(client, "test_elicitation_sep1330_enums"), /"action":"accept"/);
    await client.close();
  },
  async "every kind of question is answered in rounds (2026)"(url) {
    const client = await connect(url, "2026-07-28");
    match(await say(client, "test_input_required_result_elicitation"), /Hello, Ann!/);
    match(await say(client, "test_input_required_result_sampling"), /the model's words/);
    match(await say(client, "test_input_required_result_list_roots"), /file:\/\/\/work/);
    strictEqual(await say(client, "test_input_required_result_request_state"), "state-ok");
    match(await say(client, "test_input_required_result_multiple_inputs"), /the model's words/);
    match(await say(client, "test_input_required_result_multi_round"), /Ann.*red/);
    await client.close();
  },
  async "logs and progress arrive, as many as there are, and in order (2025)"(url) {
    const client = await connect(url, "2025-11-25");
    const logs: unknown[] = [];
    client.setNotificationHandler("notifications/message", ({ params }) => {
      logs.push(params.data);
    });
    await say(client, "test_tool_with_logging");
    strictEqual(logs.length, 3);
    const seen: number[] = [];
    await client.callTool(
      { name: "test_tool_with_progress", arguments: {} },
      { onprogress: ({ progress }) => void seen.push(progress) },
    );
    deepStrictEqual(seen, [0, 50, 100]);
    await client.close();
  },
  async "a missing capability is 400 and -32021, and says which"(url) {
    const { status, body } = await raw(url, "tools/call", {
      name: "test_missing_capability",
      arguments: {},
    });
    strictEqual(status, 400);
    strictEqual(body.error?.code, -32_021);
    deepStrictEqual(body.error.data, { requiredCapabilities: { sampling: {} } });
  },
  async "a header that differs from the body is 400 and -32020"(url) {
    const { status, body } = await raw(
      url,
      "tools/call",
      { name: "test_x_mcp_header", arguments: { region: "eu" } },
      { headers: { "mcp-param-region": "us" } },
    );
    deepStrictEqual([status, body.error?.code], [400, -32_020]);
  },
  async "a changed requestState is -32602, and nothing else"(url) {
    const name = "test_input_required_result_tampered_state";
    const capabilities = CAPABILITIES;
    const asked = await raw(url, "tools/call", { name, arguments: {} }, { capabilities });
    const requestState = `${String(asked.body.result?.["requestState"]).slice(0, -4)}AAAA`;
    const { body } = await raw(
      url,
      "tools/call",
      { name, arguments: {}, requestState },
      { capabilities },
    );
    strictEqual(body.error?.code, -32_602);
  },
  async "an answer that does not fit is asked for again"(url) {
    for (const answer of [12_345, null, { action: "accept", content: { name: 7 } }]) {
      const params = {
        name: "test_input_required_result_elicitation",
        arguments: {},
        inputResponses: { user_name: answer },
      };
      const { body } = await raw(url, "tools/call", params, { capabilities: CAPABILITIES });
      strictEqual(body.result?.["resultType"], "input_required");
    }
  },
  async "a resource that is not there is -32602 with its URI"(url) {
    const { body } = await raw(url, "resources/read", { uri: "test://nowhere" });
    deepStrictEqual([body.error?.code, body.error?.data], [-32_602, { uri: "test://nowhere" }]);
  },
  async "completion completes"(url) {
    const ref = { type: "ref/prompt", name: "test_prompt_with_arguments" };
    const { body } = await raw(url, "completion/complete", {
      ref,
      argument: { name: "arg1", value: "par" },
    });
    deepStrictEqual(body.result?.["completion"], {
      values: ["paris", "park"],
      total: 2,
      hasMore: false,
    });
  },
};
