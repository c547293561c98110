import { html } from "../html.ts";
import { page } from "./page.ts";

export interface DoneView {
  readonly title: string;
  /** What is done, in a sentence. The page itself adds that the window can be closed. */
  readonly message: string;
}

/**
 * Ends a way that leads nowhere else: nothing is left to do in this window.
 * @param headers for cookies to be cleared, say
 */
export function donePage({ title, message }: DoneView, headers: HeadersInit = {}): Response {
  return page({
    title,
    headers,
    body: html`
      <h1>${title}</h1>
      <p>${message}</p>
      <p class="quiet">You can close this window.</p>
    `,
  });
}
