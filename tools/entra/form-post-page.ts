import { markup, page } from "./page.ts";

const SUBMIT = "document.forms[0].submit()";

/** A page that posts the answer to the client (OAuth 2.0 Form Post Response Mode), with a button for no scripts. */
export function formPostPage(redirectUri: string, values: Record<string, string>): Response {
  const fields = Object.entries(values).map(
    ([name, value]) => markup`<input type="hidden" name="${name}" value="${value}">\n`,
  );
  return page(
    "Signing in",
    markup`<h1>Signing in</h1>
<form method="post" action="${redirectUri}">
${fields}<div class="actions"><button>Continue</button></div>
</form>`,
    { script: SUBMIT },
  );
}
