import { describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { approve, pickAccount } from "../support/sign-in.ts";
import { parseForm } from "../support/user-agent.ts";

const facade = useFacade();

const TIMES = 50;

/** The facade's app and two more instances on its store, with its clock. */
function instances(count: number): TestApp[] {
  const { store, clock } = facade.app;
  const others = Array.from({ length: count - 1 }, () =>
    createTestApp({ entraUrl: facade.entra.url, store, clock }),
  );
  return [facade.app, ...others];
}

function timesAcross<T>(
  apps: readonly TestApp[],
  call: (app: TestApp) => Promise<T>,
): Promise<T[]> {
  return Promise.all(
    Array.from({ length: TIMES }, (_, n) => call(apps[n % apps.length] ?? facade.app)),
  );
}

function statuses(responses: readonly Response[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function form(fields: Record<string, string>): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
  };
}

describe.each([1, 3])("on %i instance(s), 50 at once", (count) => {
  it("redemptions of one code give one grant, whose tokens go on working (RFC 6749 §4.1.2)", async () => {
    const code = await facade.client.code("alice");
    const body = form({
      grant_type: "authorization_code",
      client_id: facade.client.id,
      redirect_uri: REDIRECT_URI,
      code,
      code_verifier: facade.client.verifier,
    });
    const responses = await timesAcross(instances(count), ({ fetch, baseUrl }) =>
      fetch(`${baseUrl}/token`, body),
    );
    expect(statuses(responses)).toEqual({ 200: 1, 400: TIMES - 1 });
    const winner = responses.find(({ status }) => status === 200);
    const tokens = (await winner?.json()) as TokenResponse;
    expect(await facade.sseStatus(tokens.access_token)).toBe(200);
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it("returns from Entra with one state give one code, and the others a page", async () => {
    const agent = facade.browser();
    const entraUrl = await approve(agent, facade.client.authorizationUrl());
    const callback = await pickAccount(agent, entraUrl, "alice");
    const jar = agent.cookies(facade.app.baseUrl);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const responses = await timesAcross(instances(count), ({ fetch }) =>
      fetch(callback, { headers: { cookie }, redirect: "manual" }),
    );
    expect(statuses(responses)).toEqual({ 302: 1, 400: TIMES - 1 });
    const back = responses.find(({ status }) => status === 302)?.headers.get("location") ?? "";
    const code = new URL(back).searchParams.get("code") ?? "";
    expect((await facade.client.redeem(code)).status).toBe(200);
  });

  it("posts of one consent form begin sign-ins of which each gives one code of its own", async () => {
    const agent = facade.browser();
    const page = await agent.get(facade.client.authorizationUrl());
    const { fields } = parseForm(await page.text());
    const jar = agent.cookies(facade.app.baseUrl);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const init = form({ ...fields, decision: "approve" });
    const headers = new Headers(init.headers);
    headers.set("cookie", cookie);
    const responses = await timesAcross(instances(count), ({ fetch, baseUrl }) =>
      fetch(`${baseUrl}/consent`, { ...init, headers }),
    );
    expect(statuses(responses)).toEqual({ 303: TIMES });
    const states = responses.map((response) =>
      new URL(response.headers.get("location") ?? "").searchParams.get("state"),
    );
    expect(new Set(states).size).toBe(TIMES);
  });
});

it("50 registrations at once are 50 clients", async () => {
  const clients = await Promise.all(Array.from({ length: TIMES }, () => facade.stranger()));
  expect(new Set(clients.map(({ id }) => id)).size).toBe(TIMES);
});

it("a thief who races the victim for one code with another verifier never wins, nor spoils it", async () => {
  const code = await facade.client.code("alice");
  const thief = new OAuthTestClient(facade.app.baseUrl, facade.app.fetch);
  thief.id = facade.client.id;
  const answers = await Promise.all(
    Array.from({ length: TIMES }, (_, n) => (n === 25 ? facade.client : thief).redeem(code)),
  );
  expect(answers.map(({ status }) => status)).toEqual(
    Array.from({ length: TIMES }, (_, n) => (n === 25 ? 200 : 400)),
  );
});
