import { createHash } from "node:crypto";
import { branding } from "../../branding.ts";
import { html, trustedHtml, type Html } from "../html.ts";
import { stylesheet } from "./style.ts";

export interface Page {
  /** Names the page in the tab, in front of the product's name. */
  readonly title: string;
  /** The content of `<main>`; holds the page's one `<h1>`. */
  readonly body: Html;
  /** HTTP status, 200 unless given. */
  readonly status?: number;
  /** Further headers such as `Set-Cookie` or `Retry-After`; they cannot replace the ones of this file. */
  readonly headers?: HeadersInit;
  /** A wider column, for pages to be read instead of answered. */
  readonly wide?: boolean;
}

const styleHash = createHash("sha256").update(stylesheet).digest("base64");

const contentSecurityPolicy = [
  // No scripts at all: what a client says about itself is shown on these pages.
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "img-src 'self' data:",
  // RFC 9700 §4.16: a framed consent button is clicked by people who do not see it.
  "frame-ancestors 'none'",
  "base-uri 'none'",
  // Deliberately no form-action: Chrome applies it to every redirect after the form post, and the consent form's
  // redirects lead to Microsoft and on to a client that can be anywhere.
].join("; ");

const securityHeaders = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": contentSecurityPolicy,
  // Not `no-referrer`: with it browsers send `Origin: null` on our own form post, which /consent must refuse.
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Cache-Control": "no-store",
  // Deliberately no Cross-Origin-Opener-Policy: it would cut the popup in which some clients
  // open the sign-in off from the window that waits for it.
};

// The style element is one trusted piece: the hash covers every character between its tags.
const styleElement = trustedHtml(`<style>${stylesheet}</style>`);
const favicon = `data:image/svg+xml,${encodeURIComponent(branding.icon.toString())}`;

/** Lays a page out in the product's frame and answers with it, under the security headers that all pages share. */
export function page({ title, body, status = 200, headers, wide = false }: Page): Response {
  const all = new Headers(headers);
  for (const [name, value] of Object.entries(securityHeaders)) all.set(name, value);
  return new Response(document(title, body, wide), { status, headers: all });
}

function document(title: string, body: Html, wide: boolean): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${title} · ${branding.productName}</title>
        <link rel="icon" type="image/svg+xml" href="${favicon}" />
        ${styleElement}
      </head>
      <body class="${wide ? "wide" : "narrow"}">
        <header>${branding.icon}<span>${branding.productName}</span></header>
        <main>${body}</main>
        <footer><p>Need help? Contact ${contact()}.</p></footer>
      </body>
    </html>`.toString();
}

function contact(): Html {
  const { text, url } = branding.contact;
  return url === undefined ? html`${text}` : html`<a href="${url}">${text}</a>`;
}
