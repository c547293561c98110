import type { AccountName } from "./directory.ts";

/**
 * Does in the stand-in what a person would do in the browser: opens the authorization URL, picks the account, and
 * accepts the consent page if there is one. For tests and scripts.
 *
 * @param authorizationUrl where the application sends the browser
 * @param account whom to pick; `"cancel"` declines
 * @returns where the browser is sent then: the redirect URI with `code` or `error`, not yet opened
 * @throws Error with the page's text where a page came instead
 */
export async function signInAs(
  authorizationUrl: string | URL,
  account: AccountName | "cancel",
): Promise<URL> {
  let response = await fetch(authorizationUrl, { redirect: "manual" });
  for (const choice of [`account=${account}`, "decision=accept"]) {
    if (response.status === 302) {
      break;
    }
    const text = await response.text();
    const action = /<form method="post" action="([^"]+)"/.exec(text)?.[1];
    if (action === undefined || !text.includes(`name="${choice.split("=")[0]}"`)) {
      throw new Error(`The stand-in answered ${response.status}: ${textOf(text)}`);
    }
    response = await fetch(new URL(action, authorizationUrl), {
      method: "POST",
      body: new URLSearchParams(choice),
      redirect: "manual",
    });
  }
  const location = response.headers.get("location");
  if (location === null) {
    throw new Error(`The stand-in answered ${response.status}: ${textOf(await response.text())}`);
  }
  return new URL(location);
}

function textOf(page: string): string {
  const body = page.slice(page.indexOf("<main>"));
  return body
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}
