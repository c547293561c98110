import { branding } from "../../branding.ts";
import type { AccountNotice } from "../account-notice.ts";
import { html } from "../html.ts";
import { noticeNote } from "./account-page.ts";
import { page } from "./page.ts";

export interface AccountSignInView {
  /** Posted back as it is. */
  readonly form: string;
  readonly notice?: AccountNotice | undefined;
}

/**
 * For a person who is not signed in to the account page.
 * @param headers for the CSRF cookie that goes with this render
 */
export function accountSignInPage(view: AccountSignInView, headers: HeadersInit = {}): Response {
  return page({
    title: "Sign in",
    headers,
    body: html`
      <h1>Which apps are connected as you?</h1>
      ${noticeNote(view.notice)}
      <p>
        Sign in with your work account to see the apps that use ${branding.productName} as you, and
        to disconnect them.
      </p>
      <form method="post" action="/account">
        <input type="hidden" name="form" value="${view.form}" />
        <button class="primary" name="action" value="sign-in">Sign in with Microsoft</button>
      </form>
    `,
  });
}
