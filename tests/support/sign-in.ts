import { location, parseForm, type UserAgent } from "./user-agent.ts";

export type Account = "alice" | "bob" | "admin" | "guest";

/** Opens the consent page and approves. @returns The URL at Entra that the browser is sent to. */
export async function approve(agent: UserAgent, authorizationUrl: string | URL): Promise<URL> {
  const page = await agent.get(authorizationUrl);
  if (page.status !== 200) throw new Error(`no consent page: ${page.status} ${await page.text()}`);
  const form = parseForm(await page.text());
  const action = new URL(form.action, authorizationUrl);
  const answer = await agent.post(action, { ...form.fields, decision: "approve" });
  return location(answer);
}

/** Picks an account at the Entra stand-in. @returns Our `/callback` with Entra's answer. */
export async function pickAccount(
  agent: UserAgent,
  entraUrl: string | URL,
  account: Account,
): Promise<URL> {
  const picker = await agent.get(entraUrl);
  const form = parseForm(await picker.text());
  const answer = await agent.post(new URL(form.action, entraUrl), { ...form.fields, account });
  return location(answer);
}

/**
 * The whole way of a person: consent, account, back.
 *
 * @returns The client's redirect URI with the code, or with an error.
 */
export async function signIn(
  agent: UserAgent,
  authorizationUrl: string | URL,
  account: Account,
): Promise<URL> {
  const entraUrl = await approve(agent, authorizationUrl);
  const callback = await pickAccount(agent, entraUrl, account);
  return location(await agent.get(callback));
}
