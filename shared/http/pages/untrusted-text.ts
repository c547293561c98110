import { html, type Html } from "../html.ts";

const LONGEST_SHOWN = 120;

// Bidi overrides would reorder the sentence around a name, and invisible characters make two names look like one.
// Default-ignorable covers what is invisible without being a format character (Hangul fillers, variation selectors).
const INVISIBLE = /[\p{Cf}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const BLANK = /[\p{Cc}\p{Z}\u2800]+/gu;

/**
 * Text that a stranger chose (a client's name, say), made fit to be shown in a sentence of ours: one line, no
 * control, bidi or invisible characters, at most 120 characters. Empty if nothing visible is left.
 * Escaping is not done here but by `html`.
 */
export function visibleText(value: string, longest: number = LONGEST_SHOWN): string {
  const visible = Array.from(value.replace(INVISIBLE, "").replace(BLANK, " ").trim());
  return visible.length <= longest ? visible.join("") : `${visible.slice(0, longest).join("")}…`;
}

/** `visibleText` in a `<bdi>`, so that right-to-left letters in it cannot reorder what stands beside them. */
export function isolatedText(value: string, longest?: number): Html {
  return html`<bdi>${visibleText(value, longest)}</bdi>`;
}
