import { html } from "../html.ts";
import { page } from "./page.ts";

export interface ErrorView {
  /** HTTP status of the answer. */
  readonly status: number;
  /** What went wrong, as a short heading. */
  readonly title: string;
  /** The same in a sentence; never a stack, a token or an upstream message. */
  readonly message: string;
  /** The next step that the person can take. */
  readonly whatToDo: string;
  /** Finds the request in the logs. */
  readonly requestId: string;
}

/**
 * Tells a person why the way ends here, and what to do.
 * @param headers for `Retry-After`, say
 */
export function errorPage(view: ErrorView, headers: HeadersInit = {}): Response {
  return page({
    title: view.title,
    status: view.status,
    headers,
    body: html`
      <h1>${view.title}</h1>
      <p>${view.message}</p>
      <h2>What you can do</h2>
      <p>${view.whatToDo}</p>
      <p class="quiet">
        If you ask for help, give this reference (error ${view.status}):
        <code class="copy">${view.requestId}</code>
      </p>
    `,
  });
}
