import { html, type Html } from "./http/html.ts";

export interface Branding {
  /** Shown in every page's header and title, and on the consent page as what the person gives access to. */
  readonly productName: string;
  /** The key under which people add this server to a client's configuration file. */
  readonly serverName: string;
  /** Drawn in the header and, as a data URI, in the browser's tab. `xmlns` is needed for the latter. */
  readonly icon: Html;
  /** Whom people ask for help; `url` (`https:` or `mailto:`) makes it a link. */
  readonly contact: { readonly text: string; readonly url?: string };
}

/** Name, icon and contact of this server: the one file to edit in a fork. */
export const branding: Branding = {
  productName: "Entra MCP Functions",
  serverName: "entra-mcp",
  icon: html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="8" fill="#2f52c4" />
    <path fill="#fff" d="M16 6.2 24.5 9v6.6c0 5-3.4 8.6-8.5 10.4-5.1-1.8-8.5-5.4-8.5-10.4V9z" />
    <path
      fill="#2f52c4"
      d="M16 11.6a2.9 2.9 0 0 1 1.35 5.47V21h-2.7v-3.93A2.9 2.9 0 0 1 16 11.6z"
    />
  </svg>`,
  contact: { text: "helpdesk@example.com", url: "mailto:helpdesk@example.com" },
};
