import { beforeEach, describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { useFacade } from "../support/facade.ts";
import { EventStream } from "../support/open-stream.ts";
import { approve } from "../support/sign-in.ts";
import { location, parseForm, type UserAgent } from "../support/user-agent.ts";

const PROFILE = "Sign you in and read your profile";
const CALENDAR = "Read your calendars";

const facade = useFacade();
let agent: UserAgent;
beforeEach(() => {
  agent = facade.browser();
  // From here on alice is asked, and what she accepts is remembered.
  facade.entra.set({ consentRequired: ["alice"] });
});

interface SignedIn {
  /** The Graph permissions that Entra asked the person for; none where it did not ask. */
  readonly asked: readonly string[];
  readonly back: URL;
}

/** Our consent, the account, and Entra's consent page where there is one. */
async function signIn(scope: string, decision: "accept" | "cancel" = "accept"): Promise<SignedIn> {
  const entraUrl = await approve(agent, facade.client.authorizationUrl({ scope }));
  const picked = await press(entraUrl, await agent.get(entraUrl), { account: "alice" });
  if (picked.status === 302) return { asked: [], back: await finish(picked) };
  const permissions = (await picked.clone().text()).matchAll(/<li>([^<]*)<\/li>/g);
  const asked = Array.from(permissions, ([, permission = ""]) => permission);
  return {
    asked: asked.filter((permission) => [PROFILE, CALENDAR].includes(permission)),
    back: await finish(await press(entraUrl, picked, { decision })),
  };
}

async function press(at: URL, page: Response, button: Record<string, string>): Promise<Response> {
  const { action, fields } = parseForm(await page.text());
  return agent.post(new URL(action, at), { ...fields, ...button });
}

async function finish(answer: Response): Promise<URL> {
  return location(await agent.get(location(answer)));
}

/** @returns The Graph permissions in the URL that the browser is sent to. */
async function sentToEntra(scope: string): Promise<string[]> {
  const url = await approve(agent, facade.client.authorizationUrl({ scope }));
  const names = (url.searchParams.get("scope") ?? "").split(" ");
  return names.filter((name) => /^[A-Z]/.test(name)).toSorted();
}

async function tokens({ back }: SignedIn): Promise<TokenResponse> {
  const response = await facade.client.redeem(back.searchParams.get("code") ?? "");
  return (await response.json()) as TokenResponse;
}

async function call(token: TokenResponse, tool: string): Promise<boolean> {
  const stream = await EventStream.open(facade.app, token.access_token);
  return (await stream.callTool(tool)).isError !== true;
}

describe("a second authorization, for more scopes", () => {
  it("has Entra ask for what is new and for nothing else, and a third one for nothing", async () => {
    expect((await signIn("mcp user.read")).asked).toEqual([PROFILE]);
    expect((await signIn("mcp user.read calendar.read")).asked).toEqual([CALENDAR]);
    expect((await signIn("mcp user.read calendar.read")).asked).toEqual([]);
  });

  it("sends Entra the permissions behind the scopes that are asked for, and no others", async () => {
    expect(await sentToEntra("mcp")).toEqual([]);
    expect(await sentToEntra("mcp user.read")).toEqual(["User.Read"]);
    expect(await sentToEntra("calendar.read")).toEqual(["Calendars.Read"]);
    expect(await sentToEntra("user.read calendar.read")).toEqual(["Calendars.Read", "User.Read"]);
  });

  it("gives a token that can do more, and leaves the narrower one as it was", async () => {
    const narrow = await tokens(await signIn("mcp user.read"));
    const wide = await tokens(await signIn("mcp user.read calendar.read"));
    expect([narrow.scope, wide.scope]).toEqual(["mcp user.read", "mcp user.read calendar.read"]);
    expect(await call(wide, "listEvents")).toBe(true);
    expect(await call(narrow, "listEvents")).toBe(false);
    expect(await call(narrow, "getUserDetails")).toBe(true);
    expect((await facade.client.refresh(narrow.refresh_token)).status).toBe(200);
  });

  it("that the person declines at Entra is access_denied, and ends nothing", async () => {
    const narrow = await tokens(await signIn("mcp user.read"));
    const { asked, back } = await signIn("mcp user.read calendar.read", "cancel");
    expect(asked).toEqual([CALENDAR]);
    expect(back.searchParams.get("error")).toBe("access_denied");
    expect(await call(narrow, "getUserDetails")).toBe(true);
  });
});
