import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { LEASE_MS, type TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import type { SwitchSettings } from "../../tools/entra/switches.ts";
import { answerTo, expectPage } from "../support/answers.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { approve, pickAccount } from "../support/sign-in.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { location, parseForm, UserAgent } from "../support/user-agent.ts";

/** What an MCP client meets where Entra or Graph fails, and what becomes of the session. */
interface Seen {
  /** In the authorization response: `code`, or the error, when it starts after the person has picked an account. */
  readonly callback: string;
  /** Of a refresh at `/token`. */
  readonly refresh: string;
  /** In the answer of a tool that needs Graph and whose token is due. */
  readonly tool: RegExp;
  /** What a refresh, or such a call, leaves behind when all is well again. */
  readonly sessionAfter: { readonly refresh: "alive" | "over"; readonly tool: "alive" | "over" };
}

const ALL_WELL: Seen = {
  callback: "code",
  refresh: "200",
  tool: /alice@contoso\.example/,
  sessionAfter: { refresh: "alive", tool: "alive" },
};
/** Signing in again is what helps, and the client is told so. */
const SIGN_IN_AGAIN: Seen = {
  callback: "access_denied",
  refresh: "400 invalid_grant",
  tool: /Connect this app again/,
  sessionAfter: { refresh: "over", tool: "over" },
};
/** Nothing ends by an outage. */
const TRY_AGAIN: Seen = {
  callback: "temporarily_unavailable",
  refresh: "503 temporarily_unavailable",
  tool: /cannot reach Microsoft Entra ID/,
  sessionAfter: { refresh: "alive", tool: "alive" },
};
const MISCONFIGURED: Seen = { ...TRY_AGAIN, callback: "server_error" };

const BEYOND_ALL_DEADLINES_MS = 60_000;
/** Our deadlines are seconds: while Entra is that slow, they pass a hundred times as fast. */
const HASTE = 100;

type Case = readonly [what: string, switches: Partial<SwitchSettings>, seen: Seen];
const alice = ["alice" as const];

/** What concerns change notifications concerns neither sign-ins nor calls. */
type NotificationSwitch = Extract<
  keyof SwitchSettings,
  `notification${string}` | "subscribeFault" | "renewFault"
>;

/** Every other switch of the stand-in: the compiler sees to it that none is left out. */
const CASES: Readonly<Record<Exclude<keyof SwitchSettings, NotificationSwitch>, readonly Case[]>> =
  {
    userDisabled: [["the person is disabled", { userDisabled: alice }, SIGN_IN_AGAIN]],
    policyBlocked: [["a policy blocks", { policyBlocked: alice }, SIGN_IN_AGAIN]],
    mfaRequired: [["another step is needed (MFA)", { mfaRequired: alice }, SIGN_IN_AGAIN]],
    consentRequired: [["a consent was taken back", { consentRequired: alice }, SIGN_IN_AGAIN]],
    // What follows concerns sign-ins that were made before: a new one passes.
    refreshTokensExpired: [
      [
        "the sign-in has expired",
        { refreshTokensExpired: alice },
        { ...SIGN_IN_AGAIN, callback: "code" },
      ],
    ],
    refreshTokensRevoked: [
      [
        "the sign-in was revoked",
        { refreshTokensRevoked: alice },
        { ...SIGN_IN_AGAIN, callback: "code" },
      ],
    ],
    // Only Graph asks for the claims, so only a call finds out.
    claimsChallenge: [
      [
        "Graph wants more claims",
        { claimsChallenge: alice },
        {
          ...ALL_WELL,
          tool: /did not accept the sign-in/,
          sessionAfter: { refresh: "alive", tool: "over" },
        },
      ],
    ],
    tokenFault: [
      ["our secret has expired", { tokenFault: 7_000_222 }, MISCONFIGURED],
      ["our secret is wrong", { tokenFault: 7_000_215 }, MISCONFIGURED],
      ["Entra is temporarily unavailable", { tokenFault: 50_033 }, TRY_AGAIN],
      ["Entra is temporarily unavailable, by another number", { tokenFault: 90_033 }, TRY_AGAIN],
      ["a session control says no", { tokenFault: 70_043 }, SIGN_IN_AGAIN],
      ["the person is not assigned any more", { tokenFault: 50_105 }, SIGN_IN_AGAIN],
    ],
    throttled: [
      ["Entra throttles", { throttled: ["token"] }, TRY_AGAIN],
      ["Graph throttles", { throttled: ["graph"] }, { ...ALL_WELL, tool: /Graph is busy/ }],
    ],
    retryAfterSeconds: [
      [
        "Entra throttles for an hour",
        { throttled: ["token"], retryAfterSeconds: 3_600 },
        TRY_AGAIN,
      ],
    ],
    serverError: [
      ["Entra answers 500 and no JSON", { serverError: ["token"] }, TRY_AGAIN],
      ["Graph answers 500", { serverError: ["graph"] }, { ...ALL_WELL, tool: /could not do this/ }],
    ],
    down: [["nothing answers", { down: true }, TRY_AGAIN]],
    delayMs: [
      ["everything is slow", { delayMs: 30 }, ALL_WELL],
      ["everything is slower than our deadlines", { delayMs: BEYOND_ALL_DEADLINES_MS }, TRY_AGAIN],
    ],
    accessTokenSeconds: [
      ["Graph's tokens live for a minute", { accessTokenSeconds: 60 }, ALL_WELL],
    ],
  };

let entra: RunningEntra;
let app: TestApp;
let client: OAuthTestClient;
/** In milliseconds, as the server set them. */
let deadlines: number[];
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());
beforeEach(async () => {
  app = createTestApp({ entraUrl: entra.url });
  client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
});
afterEach(recover);

/** Has Entra and Graph fail. */
function suffer(switches: Partial<SwitchSettings>): void {
  entra.set(switches);
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const haste = switches.delayMs === BEYOND_ALL_DEADLINES_MS ? HASTE : 1;
  deadlines = [];
  vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    deadlines.push(ms);
    return timeout(ms / haste);
  });
}

/** Makes all well again. */
function recover(): void {
  vi.restoreAllMocks();
  entra.reset();
}

/** Signs alice in, with a token for Graph that is due to be renewed at once. */
async function signedIn(): Promise<TokenResponse> {
  entra.set({ accessTokenSeconds: 60 });
  return client.tokens("alice");
}

/** Whether the tokens still work when Entra and Graph do again. */
async function stateOf(tokens: TokenResponse): Promise<"alive" | "over"> {
  recover();
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const stream = await app.fetch(`${app.baseUrl}/sse`, { headers });
  await stream.body?.cancel();
  const refresh = await client.refresh(tokens.refresh_token);
  const alive = { stream: 200, refresh: 200 };
  const seen = { stream: stream.status, refresh: refresh.status };
  if (stream.status === 200) expect(seen).toEqual(alive);
  else expect(seen).toEqual({ stream: 401, refresh: 400 });
  return stream.status === 200 ? "alive" : "over";
}

describe.each(Object.entries(CASES))("the switch %s:", (_switch, cases) => {
  describe.each(cases)("when %s,", (_what, switches, seen) => {
    it(`a sign-in ends with ${seen.callback}`, async () => {
      const agent = new UserAgent(app.fetch);
      const entraUrl = await approve(agent, client.authorizationUrl());
      const callback = await pickAccount(agent, entraUrl, "alice");
      suffer(switches);
      const answer = answerTo(REDIRECT_URI, await agent.get(callback));
      expect(answer["error"] ?? Object.keys(answer)[0]).toBe(seen.callback);
      expect(answer).toMatchObject({ state: "the-state", iss: app.baseUrl });
    });

    it(`a refresh is ${seen.refresh}, and the session is ${seen.sessionAfter.refresh}`, async () => {
      const tokens = await signedIn();
      suffer(switches);
      const response = await client.refresh(tokens.refresh_token);
      const { error, ...issued } = (await response.json()) as Partial<TokenResponse> & {
        error?: string;
      };
      expect(error === undefined ? "200" : `${response.status} ${error}`).toBe(seen.refresh);
      if (response.status === 503) expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(await stateOf({ ...tokens, ...issued })).toBe(seen.sessionAfter.refresh);
    });

    it(`a tool says ${seen.tool.source}, and the session is ${seen.sessionAfter.tool}`, async () => {
      const tokens = await signedIn();
      const stream = await EventStream.open(app, tokens.access_token);
      suffer(switches);
      const answer = await stream.callTool("getUserDetails");
      expect(answer.content[0]?.text).toMatch(seen.tool);
      expect(answer.isError === true).toBe(seen.tool !== ALL_WELL.tool);
      expect(await stateOf(tokens)).toBe(seen.sessionAfter.tool);
    });
  });
});

describe("an Entra that is slower than our deadlines", () => {
  it("has given up before the lease of a refresh lapses, also on an instance that has just started", async () => {
    const tokens = await client.tokens("alice");
    const fresh = createTestApp({ entraUrl: entra.url, store: app.store, clock: app.clock });
    suffer({ delayMs: BEYOND_ALL_DEADLINES_MS });
    for (const { fetch } of [app, fresh]) {
      expect((await client.through(fetch).refresh(tokens.refresh_token)).status).toBe(503);
    }
    // Discovery and one request for tokens, one after the other.
    expect(deadlines.toSorted((a, b) => a - b)).toEqual([5_000, 10_000]);
    expect(5_000 + 10_000).toBeLessThan(LEASE_MS);
  });

  it("is a page of 503 for the person who has just allowed an app, and the same form works later", async () => {
    const agent = new UserAgent(app.fetch);
    const page = await agent.get(client.authorizationUrl());
    const { action, fields } = parseForm(await page.text());
    const approval = () =>
      agent.post(new URL(action, app.baseUrl), { ...fields, decision: "approve" });
    suffer({ delayMs: BEYOND_ALL_DEADLINES_MS });
    await expectPage(await approval(), 503);
    recover();
    expect(location(await approval()).origin).toBe(entra.url);
  });
});
