import { describe, expect, it } from "vitest";
import { OAuthError, type OAuthErrorCode } from "../../shared/oauth/oauth-error.ts";

describe("the HTTP status of an OAuth error", () => {
  it.each<[OAuthErrorCode, number]>([
    ["invalid_request", 400],
    ["invalid_client", 401],
    ["invalid_grant", 400],
    ["unsupported_grant_type", 400],
    ["invalid_scope", 400],
    ["invalid_target", 400],
    ["invalid_redirect_uri", 400],
    ["invalid_client_metadata", 400],
    ["invalid_token", 401],
    ["insufficient_scope", 403],
    ["temporarily_unavailable", 503],
  ])("%s is %d", (code, status) => {
    expect(new OAuthError(code, "x").status).toBe(status);
  });
});
