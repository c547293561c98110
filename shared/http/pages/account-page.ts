import { branding } from "../../branding.ts";
import { ACCOUNT_NOTICES, type AccountNotice } from "../account-notice.ts";
import { html, type Html } from "../html.ts";
import { page } from "./page.ts";
import { isolatedText, visibleText } from "./untrusted-text.ts";

/** One sign-in of the person through one client. */
export interface ConnectedApp {
  readonly sessionId: string;
  /** The client's own claim; nobody has verified it. */
  readonly clientName: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  /** What it may do, in words. */
  readonly permissions: readonly string[];
  /** Whether the person connected it in the browser that shows the page. */
  readonly thisBrowser: boolean;
}

export interface AccountView {
  readonly apps: readonly ConnectedApp[];
  /** Posted back as it is. */
  readonly form: string;
  readonly notice?: AccountNotice | undefined;
}

/**
 * Shows a person which apps act as them, and lets them end that.
 * @param headers for the CSRF cookie that goes with this render
 */
export function accountPage(
  { apps, form, notice }: AccountView,
  headers: HeadersInit = {},
): Response {
  return page({
    title: "Connected apps",
    wide: true,
    headers,
    body: html`
      <h1>Apps connected as you</h1>
      ${noticeNote(notice)} ${apps.length === 0 ? nothingConnected : connected(apps, form)}
      <form method="post" action="/account">
        <input type="hidden" name="form" value="${form}" />
        ${
          apps.length > 1 &&
          html`<button name="action" value="end-all">Disconnect all ${apps.length} apps</button>`
        }
        <button name="action" value="sign-out">Sign out of this page</button>
      </form>
    `,
  });
}

/** Tells what was just done; nothing without a notice. */
export function noticeNote(notice: AccountNotice | undefined): Html | undefined {
  return notice && html`<div class="note" role="status"><p>${ACCOUNT_NOTICES[notice]}</p></div>`;
}

const nothingConnected = html`
  <p>
    No app is connected to ${branding.productName} with your account.
    <a href="/">How to connect one</a>
  </p>
`;

function connected(apps: AccountView["apps"], form: string): Html {
  return html`
    <p>
      These apps use ${branding.productName} with your account. Disconnect those that you do not use
      or do not know: that takes effect within half a minute, wherever the app runs.
    </p>
    <ul class="list apps">
      ${apps.map((app) => appItem(app, form))}
    </ul>
    <p class="quiet">
      Names are the apps’ own claims and have not been verified. “Last used” is when the app last
      renewed its access, which it does now and then while it is in use.
    </p>
  `;
}

function appItem(app: ConnectedApp, form: string): Html {
  const named = visibleText(app.clientName) !== "";
  return html`
    <li>
      <h2 class="claim">${named ? isolatedText(app.clientName) : "An app that gives no name"}</h2>
      ${app.thisBrowser && html`<p class="badge">Connected in this browser</p>`}
      <dl>
        <div>
          <dt>Connected</dt>
          <dd>${moment(app.createdAt)}</dd>
        </div>
        <div>
          <dt>Last used</dt>
          <dd>${moment(app.lastUsedAt)}</dd>
        </div>
        <div>
          <dt>It may</dt>
          <dd>${app.permissions.join("; ")}</dd>
        </div>
      </dl>
      <form method="post" action="/account">
        <input type="hidden" name="form" value="${form}" />
        <input type="hidden" name="session" value="${app.sessionId}" />
        <button
          name="action"
          value="end"
          aria-label="Disconnect ${named ? visibleText(app.clientName) : "the app that gives no name"}"
        >
          Disconnect
        </button>
      </form>
    </li>
  `;
}

function moment(time: Date): Html {
  const iso = time.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}
