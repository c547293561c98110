import type { AccountSignIn } from "../oauth/account-sign-in.ts";
import { definitionsOf } from "../oauth/scopes.ts";
import type { AccountSession, AccountSessions } from "../sessions/account-session.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import type { ListedSession, Sessions } from "../sessions/sessions.ts";
import type { AccountForms } from "./account-form.ts";
import { type AccountNotice, isAccountNotice } from "./account-notice.ts";
import { readForm } from "./body.ts";
import type { Handler, RequestContext } from "./context.ts";
import type { CookiePolicy } from "./cookies.ts";
import { deviceOf } from "./device-cookie.ts";
import { HttpError, PageError } from "./errors.ts";
import { accountPage, type ConnectedApp } from "./pages/account-page.ts";
import { accountSignInPage } from "./pages/account-sign-in-page.ts";

/** Nothing else may become a key of a table. */
const SESSION_ID = /^[\w-]{22}$/;

interface Deps {
  readonly accountSessions: AccountSessions;
  readonly accountSignIn: AccountSignIn;
  readonly accountForms: AccountForms;
  readonly sessions: Sessions;
  readonly sessionEnd: SessionEnd;
  readonly cookies: CookiePolicy;
  readonly issuer: string;
}

/** `GET /account`: a person sees which apps are connected as them, once they have signed in here. */
export function accountHandler(deps: Deps): Handler {
  return async (request) => {
    const account = await deps.accountSessions.read(request);
    const form = await deps.accountForms.render(request, account);
    const given = new URL(request.url).searchParams.get("notice");
    const notice = isAccountNotice(given) ? given : undefined;
    const headers = { "Set-Cookie": form.cookie };
    if (account === undefined) return accountSignInPage({ form: form.token, notice }, headers);
    const device = deviceOf(request, deps.cookies);
    const sessions = await deps.sessions.list(account.userKey);
    const apps = sessions.map((session) => toConnectedApp(session, device));
    return accountPage({ apps, form: form.token, notice }, headers);
  };
}

/** `POST /account`: what the person chose there. Answers with the page again, by redirect (RFC 9110 §15.4.4). */
export function accountActionHandler(deps: Deps): Handler {
  return async (request, context) => {
    const form = await readForm(request);
    const account = await deps.accountSessions.read(request);
    const action = form.get("action");
    switch (await deps.accountForms.check(request, form.get("form") ?? "", account)) {
      case "foreign":
        throw foreignForm();
      case "stale":
        return backToPage("stale");
      case "own":
        break;
    }
    if (action === "sign-in") return deps.accountSignIn.begin();
    if (account === undefined) return backToPage("stale");
    return act(action, form.get("session") ?? "", account, context);
  };

  async function act(
    action: string | null,
    sessionId: string,
    { userKey }: AccountSession,
    { log }: RequestContext,
  ): Promise<Response> {
    const by = { reason: "account-page", log } as const;
    switch (action) {
      case "end": {
        const existed =
          SESSION_ID.test(sessionId) && (await deps.sessionEnd.endOf(userKey, sessionId, by));
        return backToPage(existed ? "ended" : "gone");
      }
      case "end-all":
        for (const { id } of await deps.sessions.list(userKey)) {
          await deps.sessionEnd.end(userKey, id, by);
        }
        return backToPage("all-ended");
      case "sign-out":
        return backToPage("signed-out", { "Set-Cookie": deps.accountSessions.close() });
      case null:
      default:
        throw new HttpError(400, "The form does not say what to do.");
    }
  }

  function backToPage(notice: AccountNotice, headers: Record<string, string> = {}): Response {
    return new Response(null, {
      status: 303,
      headers: {
        ...headers,
        Location: `${deps.issuer}/account?notice=${notice}`,
        "Cache-Control": "no-store",
      },
    });
  }
}

function toConnectedApp(session: ListedSession, device: string | undefined): ConnectedApp {
  return {
    sessionId: session.id,
    clientName: session.clientName,
    createdAt: new Date(session.createdAt),
    lastUsedAt: new Date(session.lastUsedAt),
    permissions: definitionsOf(session.scopes).map(({ title }) => title),
    thisBrowser: device !== undefined && session.device === device,
  };
}

function foreignForm(): PageError {
  return new PageError(403, {
    title: "This did not come from our page",
    message:
      "Your browser says that another site sent this form, or it dropped our cookie. Nothing was changed.",
    whatToDo: "Open the account page of this server and try again there, with cookies allowed.",
  });
}
