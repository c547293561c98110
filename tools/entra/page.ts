import { createHash } from "node:crypto";

/** Text that is already HTML, so that `markup` does not escape it again. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Builds HTML from a template; every value is escaped unless it is `Html`; arrays are joined. */
export function markup(
  strings: TemplateStringsArray,
  ...values: (string | Html | readonly Html[])[]
): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(render)));
}

function render(value: string | Html | readonly Html[]): string {
  if (typeof value === "string") {
    return escapeHtml(value);
  }
  return value instanceof Html ? value.text : value.map((part) => part.text).join("");
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

const STYLE = `
:root{color-scheme:light dark;--page:#eef1f6;--card:#fff;--text:#1b1f24;--soft:#57606a;--line:#d5dae1;--hover:#f3f6fb;--accent:#2456c9;--on:#fff;--note:#fff4d6;--note-text:#5c4300;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--page:#11151b;--card:#1b2129;--text:#e8ecf1;--soft:#a3adba;--line:#343d49;--hover:#252d38;--accent:#8ab0ff;--on:#0d1420;--note:#3a2f10;--note-text:#ffdf8f;--bad:#ffb4ab}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;background:var(--page);color:var(--text);font:16px/1.5 system-ui,"Segoe UI",Roboto,sans-serif}
.note{margin:0;padding:.5rem 1rem;background:var(--note);color:var(--note-text);font-size:.875rem;text-align:center}
main{flex:1;display:flex;align-items:center;justify-content:center;padding:1.5rem 1rem}
.card{width:100%;max-width:27.5rem;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.75rem 1.5rem;box-shadow:0 6px 24px rgb(0 0 0/8%);overflow-wrap:anywhere}
.brand{display:flex;align-items:center;gap:.5rem;margin:0 0 1rem;color:var(--soft);font-size:.9375rem}
.brand svg{flex:none}
h1{margin:0 0 .25rem;font-size:1.5rem;line-height:1.25;font-weight:600}
p{margin:0 0 1rem}.soft{color:var(--soft)}.bad{color:var(--bad);border-left:3px solid;padding-left:.75rem}
ul{list-style:none;margin:0 -.5rem 1rem;padding:0}
.permissions{margin:0 0 1rem;padding:0;border-top:1px solid var(--line)}
.permissions li{padding:.625rem 0;border-bottom:1px solid var(--line)}
button{font:inherit;color:inherit;cursor:pointer;border-radius:8px}
button:focus-visible{outline:3px solid var(--accent);outline-offset:1px}
.people button{display:flex;align-items:center;gap:.875rem;width:100%;min-height:64px;padding:.5rem;border:0;background:none;text-align:left}
.people button:hover{background:var(--hover)}
.people span:last-child{min-width:0}
.initials{flex:none;width:44px;height:44px;border-radius:50%;display:grid;place-items:center;background:var(--accent);color:var(--on);font-weight:600}
.people strong,.people small{display:block}.people small{color:var(--soft);font-size:.875rem}
.actions{display:flex;gap:.75rem;justify-content:flex-end;flex-wrap:wrap}
.actions button{min-height:44px;padding:.5rem 1.25rem;border:1px solid var(--line);background:var(--card)}
.actions button:hover{background:var(--hover)}
.actions button[value=accept],.actions button:not([name]){background:var(--accent);border-color:var(--accent);color:var(--on);font-weight:600}
code{font-size:.875rem}
`;

const MARK = new Html(
  '<svg width="24" height="24" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="12" fill="#2456c9"/><circle cx="12" cy="9.5" r="3.5" fill="#fff"/><path d="M5.5 19a6.5 6.5 0 0 1 13 0" fill="#fff"/></svg>',
);

const cspHash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/**
 * A whole page of the stand-in, in one card. Works without scripts; follows the system's light or dark scheme.
 *
 * @param title the page's title and, unless the body brings its own, what a screen reader announces
 * @param body what is in the card
 * @param options the HTTP status, and the one inline script of the form-post page
 */
export function page(
  title: string,
  body: Html,
  options: { status?: number; script?: string } = {},
): Response {
  const script = options.script ? new Html(`<script>${options.script}</script>`) : new Html("");
  const document = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<p class="note">Entra stand-in – development only</p>
<main><div class="card">
<p class="brand">${MARK} Work or school account</p>
${body}
</div></main>
${script}
</body>
</html>
`;
  // No form-action: browsers apply it to the redirect that answers the form, and that leaves this origin.
  const policy = [
    "default-src 'none'",
    `style-src ${cspHash(STYLE)}`,
    ...(options.script ? [`script-src ${cspHash(options.script)}`] : []),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return new Response(document.text, {
    status: options.status ?? 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy.join("; "),
      "cache-control": "no-store",
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
    },
  });
}
