import { html, type Html } from "../html.ts";
import { isolatedText, visibleText } from "./untrusted-text.ts";

/** The client as the beginning of a sentence, with its name as what it is: a claim that nobody has verified. */
export function claimedName(name: string): Html {
  return visibleText(name) === ""
    ? html`An app that gives no name`
    : html`An app that calls itself <strong class="claim">${isolatedText(name)}</strong>`;
}
