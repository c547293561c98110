import { describe, expect, it } from "vitest";
import { homePage, type HomeView } from "../../../shared/http/pages/home-page.ts";
import { textOf } from "./markup.ts";

const view: HomeView = {
  endpoints: [
    { name: "Streamable HTTP", url: "https://mcp.example/mcp" },
    { name: "HTTP+SSE", url: "https://mcp.example/sse" },
  ],
  features: [
    { name: "listEvents", title: "Calendar events", description: "Events in a span of time." },
  ],
};

describe("the home page", () => {
  it("gives every endpoint by name and URL", async () => {
    const text = textOf(await homePage(view).text());
    expect(text).toContain("Streamable HTTP https://mcp.example/mcp");
    expect(text).toContain("HTTP+SSE https://mcp.example/sse");
  });

  it("tells how to connect each client, with the first endpoint", async () => {
    const markup = await homePage(view).text();
    expect(markup).toContain('<code class="copy">npx @modelcontextprotocol/inspector</code>');
    for (const client of ["MCP Inspector", "VS Code", "Claude", "Cursor"])
      expect(markup).toContain(`<h3>${client}</h3>`);
    const settings = markup.match(/<code class="copy">(\{[^<]*\})<\/code>/)?.[1] ?? "";
    expect(JSON.parse(settings.replaceAll("&quot;", '"'))).toEqual({
      mcpServers: { "entra-mcp": { url: "https://mcp.example/mcp" } },
    });
  });

  it("lists the tools, and has no empty section without any", async () => {
    expect(textOf(await homePage(view).text())).toContain(
      "Tools Calendar events listEvents Events in a span of time.",
    );
    expect(await homePage({ ...view, features: [] }).text()).not.toContain('id="tools"');
  });
});
