import { describe, expect, it } from "vitest";
import { identityOf } from "../../shared/entra/identity.ts";
import { GUEST_TENANT, HOME_TENANT } from "../../tools/entra/directory.ts";

const BASE = "https://login.microsoftonline.com";

const claims = {
  aud: "client-1",
  iss: `${BASE}/${HOME_TENANT.id}/v2.0`,
  tid: HOME_TENANT.id,
  oid: "3b1f6d0a-5c27-4e8b-9a14-7d60c2e5f811",
  nonce: "nonce-1",
  roles: ["Mcp.Admin"],
  preferred_username: "alice@contoso.example",
};

const expected = {
  clientId: "client-1",
  nonce: "nonce-1",
  issuerTemplate: `${BASE}/{tenantid}/v2.0`,
  allowedTenants: [HOME_TENANT.id],
};

const kindOf = (changes: Record<string, unknown>, expectations = expected) => {
  try {
    return identityOf({ ...claims, ...changes }, expectations);
  } catch (error) {
    return (error as { kind: string }).kind;
  }
};

describe("the identity in an ID token", () => {
  it("is tenant, object id and roles, and nothing that can be renamed", () => {
    expect(identityOf(claims, expected)).toEqual({
      tenantId: claims.tid,
      objectId: claims.oid,
      roles: ["Mcp.Admin"],
    });
  });

  it("has no roles where the token has none", () => {
    expect(kindOf({ roles: undefined })).toMatchObject({ roles: [] });
  });

  it("accepts the issuer of a single tenant, which has no placeholder", () => {
    const single = { ...expected, issuerTemplate: claims.iss };
    expect(identityOf(claims, single).tenantId).toBe(claims.tid);
  });

  it.each<[string, Record<string, unknown>]>([
    ["a token for another client (OpenID Connect Core §3.1.3.7, 3)", { aud: "client-2" }],
    ["several audiences", { aud: ["client-1", "client-2"] }],
    ["another issuer (§3.1.3.7, 2)", { iss: "https://evil.example/v2.0" }],
    ["an issuer of another tenant than the token's own", { tid: GUEST_TENANT.id }],
    ["another sign-in's nonce (§3.1.3.7, 11)", { nonce: "nonce-2" }],
    ["no nonce", { nonce: undefined }],
    ["no object id", { oid: undefined }],
    ["a tenant id that is no GUID", { tid: "{tenantid}" }],
  ])("is not taken from %s", (_, changes) => {
    expect(kindOf(changes)).toBe("configuration");
  });

  it("is not taken from no claims at all", () => {
    expect(() => identityOf(undefined, expected)).toThrow(
      expect.objectContaining({ kind: "configuration" }),
    );
  });

  it("is blocked for a tenant that is not in ENTRA_ALLOWED_TENANTS", () => {
    const guest = { tid: GUEST_TENANT.id, iss: `${BASE}/${GUEST_TENANT.id}/v2.0` };
    expect(kindOf(guest)).toBe("blocked");
    const allowedTenants = [HOME_TENANT.id, GUEST_TENANT.id];
    expect(kindOf(guest, { ...expected, allowedTenants })).toMatchObject({
      tenantId: GUEST_TENANT.id,
    });
  });
});
