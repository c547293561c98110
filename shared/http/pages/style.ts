/**
 * The one stylesheet of all pages. It is inlined and allowed by its hash (see `page.ts`), so that
 * the pages need no second request and no `'unsafe-inline'`; styles belong here, never in a `style` attribute.
 *
 * Text and controls meet WCAG 2.2 AA in both schemes. Buttons and panels carry real borders, and nothing is told
 * by colour alone, so that forced colours (Windows high contrast) keep the structure.
 */
export const stylesheet = /* css */ `
:root {
  color-scheme: light dark;
  --ground: #f4f5f8;
  --card: #fff;
  --text: #1a1e27;
  --quiet: #545c6b;
  --line: #dde0e7;
  --edge: #767f90;
  --accent: #2f52c4;
  --accent-strong: #24419f;
  --link: #2a4ab8;
  --tint: #f0f3fc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12141a;
    --card: #1c1f27;
    --text: #e9ebf0;
    --quiet: #a8b0be;
    --line: #323743;
    --edge: #7e8798;
    --accent: #4468d6;
    --accent-strong: #3a5bc4;
    --link: #9db4ff;
    --tint: #242a3a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  padding: 1.25rem 1rem 2rem;
  max-width: 32rem;
  background: var(--ground);
  color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: anywhere;
  -webkit-text-size-adjust: 100%;
  text-size-adjust: 100%;
}
body.wide { max-width: 46rem; }
header { display: flex; align-items: center; gap: .625rem; margin: 0 .25rem 1rem; font-weight: 600; }
header svg { flex: none; width: 1.75rem; height: 1.75rem; }
main { padding: 1.5rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .875rem; }
footer { margin: 1.25rem .25rem 0; color: var(--quiet); font-size: .875rem; }
p, ul, ol, dl, dd, h1, h2, h3 { margin: 0; }
p, ul, ol, dl, details { margin-block-end: 1rem; }
main > :last-child, section > :last-child, .note > :last-child, footer > :last-child { margin-block-end: 0; }
h1 { margin-block-end: .75rem; font-size: 1.5rem; font-weight: 650; line-height: 1.25; letter-spacing: -.01em; text-wrap: balance; }
h2 { margin-block: 1.75rem .625rem; font-size: 1rem; font-weight: 650; line-height: 1.4; }
.wide h2 { font-size: 1.25rem; }
h3 { font-size: 1rem; font-weight: 600; }
section + p { margin-block-start: 1.25rem; }
a { color: var(--link); text-underline-offset: .15em; }
.quiet { color: var(--quiet); font-size: .875rem; }
code { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
/* What people copy is selected whole by one click. */
.copy { display: block; color: var(--text); font-size: .875rem; margin-block-start: .25rem; padding: .5rem .75rem; background: var(--tint); border: 1px solid var(--line); border-radius: .5rem; user-select: all; -webkit-user-select: all; white-space: pre-wrap; }
/* Clipped, so that stacked combining marks in a name cannot paint over the lines around it. */
.claim { display: block; margin-block: .125rem; overflow: clip; font-size: 1.25rem; font-weight: 650; line-height: 1.6; }
.facts { border: solid var(--line); border-width: 1px 0; }
.facts > div { padding-block: .75rem; }
.facts > div + div { border-top: 1px solid var(--line); }
dt { color: var(--quiet); font-size: .875rem; }
.facts dd { font-weight: 600; }
/* Not "none": with it Safari no longer tells VoiceOver that this is a list. */
ul { padding: 0; list-style-type: ""; }
li strong { font-weight: 600; }
li .quiet { display: block; }
.list > li { padding-block: .75rem; border-top: 1px solid var(--line); }
.list > li:first-child { padding-block-start: 0; border-top: 0; }
.list > li:last-child { padding-block-end: 0; }
.apps { margin-block: 1.5rem; border-block: 1px solid var(--line); }
.apps > li, .apps > li:first-child, .apps > li:last-child { padding-block: 1.25rem; }
.apps h2 { margin-block: 0 .25rem; }
.apps dl { margin: 0; }
.apps dl > div { display: flex; gap: 0 1rem; align-items: baseline; }
.apps dt { flex: none; width: 5.5rem; }
.apps form { margin-block: 1rem 0; }
.apps button { flex: none; min-height: 2.5rem; padding-block: .375rem; }
.badge { width: fit-content; margin-block-end: .5rem; padding: .125rem .625rem; background: var(--tint); border: 1px solid var(--line); border-radius: 1rem; font-size: .875rem; }
.granted > li { position: relative; padding: .25rem 0 .25rem 1.75rem; }
.granted > li::before { content: ""; position: absolute; inset: .55rem auto auto .3rem; width: .4rem; height: .75rem; border: solid var(--link); border-width: 0 2px 2px 0; transform: rotate(45deg); }
.note { margin-block-end: 1rem; padding: .75rem 1rem; background: var(--tint); border: 1px solid var(--line); border-inline-start: 4px solid var(--accent); border-radius: .5rem; }
summary { padding-block: .25rem; color: var(--quiet); font-size: .875rem; cursor: pointer; }
details dl { margin: .25rem 0 0; font-size: .875rem; }
details code { font-size: .8125rem; }
details dd { margin-block-end: .5rem; }
form { display: flex; flex-wrap: wrap; gap: .75rem; margin-block: 1.5rem 1rem; }
.choice { flex: 1 1 100%; display: flex; gap: .6rem; align-items: baseline; }
.choice input { flex: none; width: 1rem; height: 1rem; margin: 0; accent-color: var(--accent); translate: 0 .15rem; }
button { flex: 1 1 10rem; min-height: 2.875rem; padding: .625rem 1rem; border: 1px solid var(--edge); border-radius: .5rem; background: var(--card); color: var(--text); font: inherit; font-weight: 600; cursor: pointer; }
button:hover { background: var(--tint); }
button[value="approve"], button.primary { background: var(--accent); border-color: var(--accent); color: #fff; }
button[value="approve"]:hover, button.primary:hover { background: var(--accent-strong); border-color: var(--accent-strong); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 3px; border-radius: .25rem; }
button:focus-visible { border-radius: .5rem; }
@media (min-width: 40rem) {
  body { padding-block: 3.5rem 3rem; }
  main { padding: 2.25rem; }
  h1 { font-size: 1.75rem; }
}
@media (prefers-reduced-motion: no-preference) {
  button { transition: background-color .12s, border-color .12s; }
}
`;
