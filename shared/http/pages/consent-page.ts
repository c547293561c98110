import { branding } from "../../branding.ts";
import { html, type Html } from "../html.ts";
import { claimedName } from "./claimed-name.ts";
import { page } from "./page.ts";
import { isolatedText } from "./untrusted-text.ts";

export interface ConsentView {
  /** The client's own claim; nobody has verified it. */
  readonly clientName: string;
  /** The host that publishes the client's metadata document. Verified: the document was fetched from there. */
  readonly clientHost?: string;
  /** The client's website, its own claim too. Shown only if it is an http(s) URL. */
  readonly clientUri?: string;
  /** Where the person is sent back to, as a name to judge: the host, or the scheme of a native app. */
  readonly redirectHost: string;
  readonly redirectUri: string;
  /** The person is sent back to this computer, where any local program could pose as the app. */
  readonly loopbackOnly: boolean;
  /** Whether to offer that the person is not asked again. */
  readonly rememberable: boolean;
  readonly scopes: readonly { name: string; title: string; description: string }[];
  /** The sealed authorization request, posted back as it is. */
  readonly request: string;
}

// A URI may be as long as a registration allows; it is shown in full unless it is absurd.
const LONGEST_URI = 2048;

/**
 * Asks the person whether the client may act as them, before anything is sent to Entra.
 * @param headers for the CSRF cookie that goes with this render
 */
export function consentPage(view: ConsentView, headers: HeadersInit = {}): Response {
  return page({
    title: "Allow access?",
    headers,
    body: html`
      <h1>Allow this app to connect?</h1>
      ${whoAsks(view)} ${view.loopbackOnly && loopbackNote} ${whatItMayDo(view)}
      <h2>What happens next</h2>
      <p>
        If you allow it, you sign in with your work account at Microsoft and are then sent back to
        the app. The app does not see your password.
      </p>
      <form method="post" action="/consent">
        <input type="hidden" name="request" value="${view.request}" />
        ${view.rememberable && rememberChoice}
        <button name="decision" value="approve">Allow and continue</button>
        <button name="decision" value="deny">Deny</button>
      </form>
      <p class="quiet">Did not expect this page? Choose “Deny”, and nothing is shared.</p>
      ${technicalDetails(view)}
    `,
  });
}

const rememberChoice = html`
  <label class="choice">
    <input type="checkbox" name="remember" value="yes" />
    Do not ask me again about this app in this browser, for 30 days
  </label>
`;

function whoAsks({ clientName, clientHost, redirectHost }: ConsentView): Html {
  return html`
    <p>${claimedName(clientName)} wants to use ${branding.productName} with your account.</p>
    <p class="quiet">
      The name is the app’s own claim and has not been verified. Check
      ${clientHost !== undefined && "who publishes it, and"} where it sends you back to.
    </p>
    <dl class="facts">
      ${
        clientHost !== undefined &&
        html`<div>
          <dt>Published by (verified)</dt>
          <dd>${isolatedText(clientHost, LONGEST_URI)}</dd>
        </div>`
      }
      <div>
        <dt>Sends you back to</dt>
        <dd>${isolatedText(redirectHost, LONGEST_URI)}</dd>
      </div>
    </dl>
  `;
}

const loopbackNote = html`
  <div class="note" role="note">
    <p>
      <strong>This app runs on this computer.</strong> Continue only if you started the sign-in
      yourself just now.
    </p>
  </div>
`;

function whatItMayDo({ scopes }: ConsentView): Html {
  return html`
    <h2>What it may do</h2>
    <ul class="granted">
      ${scopes.map(
        ({ title, description }) =>
          html`<li><strong>${title}</strong> <span class="quiet">${description}</span></li>`,
      )}
    </ul>
  `;
}

function technicalDetails({ clientUri, redirectUri, scopes }: ConsentView): Html {
  const website = hostOf(clientUri);
  return html`
    <details>
      <summary>Technical details</summary>
      <dl>
        <dt>Full return address</dt>
        <dd><code>${isolatedText(redirectUri, LONGEST_URI)}</code></dd>
        ${
          website !== undefined &&
          html`<dt>Website that the app names (not verified)</dt>
            <dd><code>${isolatedText(website, LONGEST_URI)}</code></dd>`
        }
        <dt>Scopes</dt>
        <dd><code>${scopes.map(({ name }) => name).join(" ")}</code></dd>
      </dl>
    </details>
  `;
}

/**
 * Only the host is shown, because `https://known.example@other.example` reads as the wrong one, and as
 * text, because a link would lead out of the sign-in to a page that a stranger chose.
 */
function hostOf(uri: string | undefined): string | undefined {
  if (uri === undefined || !URL.canParse(uri)) return undefined;
  const { protocol, host } = new URL(uri);
  return protocol === "https:" || protocol === "http:" ? host : undefined;
}
