import { branding } from "../../branding.ts";
import { html, type Html } from "../html.ts";
import { page } from "./page.ts";

export interface Endpoint {
  /** The transport, as clients call it. */
  readonly name: string;
  readonly url: string;
}

export interface HomeView {
  /** The MCP endpoints; the first is the one shown in the instructions. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  /** The tools on offer. */
  readonly features: readonly { name: string; title: string; description: string }[];
}

/** For a person who opens the server's URL in a browser: what this is, and how to connect a client to it. */
export function homePage({ endpoints, features }: HomeView): Response {
  return page({
    title: "Connect",
    wide: true,
    body: html`
      <h1>Connect your AI client to this server</h1>
      <p>
        ${branding.productName} is an MCP server. It gives AI clients tools that work as you, once
        you have signed in with your work account at Microsoft. There is nothing to set up on this
        page: add the server’s address to your client, and the client takes you through the sign-in.
      </p>
      ${addresses(endpoints)} ${howToConnect(endpoints[0])}
      <p><a href="/account">See and disconnect the apps that are connected as you</a></p>
      ${features.length > 0 && tools(features)}
    `,
  });
}

function addresses(endpoints: HomeView["endpoints"]): Html {
  return html`
    <section aria-labelledby="address">
      <h2 id="address">Server address</h2>
      <ul class="list">
        ${endpoints.map(
          ({ name, url }) =>
            html`<li><span class="quiet">${name}</span> <code class="copy">${url}</code></li>`,
        )}
      </ul>
    </section>
  `;
}

function howToConnect({ name, url }: Endpoint): Html {
  const cursorSettings = JSON.stringify(
    { mcpServers: { [branding.serverName]: { url } } },
    null,
    2,
  );
  return html`
    <section aria-labelledby="connect">
      <h2 id="connect">How to connect</h2>
      <ul class="list">
        <li>
          <h3>MCP Inspector</h3>
          Run this, choose the transport <strong>${name}</strong> and enter <code>${url}</code>.
          <code class="copy">npx @modelcontextprotocol/inspector</code>
        </li>
        <li>
          <h3>VS Code</h3>
          Run <strong>MCP: Add Server…</strong> from the Command Palette, choose
          <strong>HTTP</strong> and enter <code>${url}</code>.
        </li>
        <li>
          <h3>Claude</h3>
          Under <strong>Settings › Connectors</strong>, choose
          <strong>Add custom connector</strong> and enter <code>${url}</code>.
        </li>
        <li>
          <h3>Cursor</h3>
          Add this to <code>~/.cursor/mcp.json</code>.
          <code class="copy">${cursorSettings}</code>
        </li>
      </ul>
    </section>
  `;
}

function tools(features: HomeView["features"]): Html {
  return html`
    <section aria-labelledby="tools">
      <h2 id="tools">Tools</h2>
      <ul class="list">
        ${features.map(
          ({ name, title, description }) =>
            html`<li>
              <strong>${title}</strong> <code>${name}</code>
              <span class="quiet">${description}</span>
            </li>`,
        )}
      </ul>
    </section>
  `;
}
