import { html } from "../html.ts";
import { claimedName } from "./claimed-name.ts";
import { page } from "./page.ts";
import { isolatedText } from "./untrusted-text.ts";

export interface RequestFaultView {
  /** What is wrong with the client's request, in a sentence of ours. */
  readonly fault: string;
  /** The client's own claim; nobody has verified it. */
  readonly clientName: string;
  /** Where the way back leads, as a name to judge. */
  readonly redirectHost: string;
  /** An https URL: the client's redirect URI, with the error for it. */
  readonly wayBack: string;
}

/**
 * Tells a person that a client has asked for something impossible, and leaves it to them whether to go on to
 * a site that nobody stands for.
 */
export function requestFaultPage(view: RequestFaultView): Response {
  const { fault, clientName, redirectHost, wayBack } = view;
  return page({
    title: "This app’s request does not work",
    status: 400,
    body: html`
      <h1>This app’s request does not work</h1>
      <p>
        ${claimedName(clientName)} has sent you here with a request that cannot be answered:
        ${fault}
      </p>
      <h2>What you can do</h2>
      <p>
        If you were just connecting this app, and know the site below, tell it what is wrong.
        Nothing else is sent there. Otherwise close this window: anybody can make a link that leads
        here.
      </p>
      <p><a href="${wayBack}">Go back to ${isolatedText(redirectHost)}</a></p>
    `,
  });
}
