import { expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { useFacade } from "../support/facade.ts";

const ACCESS_TOKEN_TTL = 300;
const REFRESH_IDLE_TTL = 3_600;
const REFRESH_MAX_TTL = 7_200;

const facade = useFacade({
  ACCESS_TOKEN_TTL: String(ACCESS_TOKEN_TTL),
  REFRESH_IDLE_TTL: String(REFRESH_IDLE_TTL),
  REFRESH_MAX_TTL: String(REFRESH_MAX_TTL),
});

async function refreshed(token: string): Promise<TokenResponse> {
  const response = await facade.client.refresh(token);
  expect(response.status).toBe(200);
  return (await response.json()) as TokenResponse;
}

it("an access token lives for ACCESS_TOKEN_TTL, and says so", async () => {
  const tokens = await facade.client.tokens();
  expect(tokens.expires_in).toBe(ACCESS_TOKEN_TTL);
  facade.app.clock.advance({ seconds: ACCESS_TOKEN_TTL - 1 });
  expect(await facade.sseStatus(tokens.access_token)).toBe(200);
  facade.app.clock.advance({ seconds: 1 });
  expect(await facade.sseStatus(tokens.access_token)).toBe(401);
});

it("a session ends after REFRESH_IDLE_TTL without a refresh", async () => {
  const tokens = await facade.client.tokens();
  facade.app.clock.advance({ seconds: REFRESH_IDLE_TTL - 1 });
  const later = await refreshed(tokens.refresh_token);
  facade.app.clock.advance({ seconds: REFRESH_IDLE_TTL });
  expect((await facade.client.refresh(later.refresh_token)).status).toBe(400);
});

it("a session ends REFRESH_MAX_TTL after the sign-in, however often it is refreshed, and so do its access tokens", async () => {
  let tokens = await facade.client.tokens();
  for (let n = 1; n < REFRESH_MAX_TTL / 1_000; n++) {
    facade.app.clock.advance({ seconds: 1_000 });
    tokens = await refreshed(tokens.refresh_token);
  }
  facade.app.clock.advance({ seconds: REFRESH_MAX_TTL - 7_000 });
  expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(400);
  expect(await facade.sseStatus(tokens.access_token)).toBe(401);
});
