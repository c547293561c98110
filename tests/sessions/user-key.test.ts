import { describe, expect, it } from "vitest";
import { userKeyOf } from "../../shared/sessions/user-key.ts";
import { IDENTITY } from "../support/parts.ts";

describe("userKeyOf", () => {
  it("is the same for the same person, whatever the case of the ids and the roles", () => {
    const shouted = {
      tenantId: IDENTITY.tenantId.toUpperCase(),
      objectId: IDENTITY.objectId.toUpperCase(),
      roles: ["Mcp.Admin"],
    };
    expect(userKeyOf(shouted)).toBe(userKeyOf(IDENTITY));
  });

  it("differs by person, and by tenant: an object id is unique in its tenant only", () => {
    const keys = [
      userKeyOf(IDENTITY),
      userKeyOf({ ...IDENTITY, tenantId: IDENTITY.objectId }),
      userKeyOf({ ...IDENTITY, objectId: IDENTITY.tenantId }),
      userKeyOf({ ...IDENTITY, tenantId: IDENTITY.objectId, objectId: IDENTITY.tenantId }),
    ];
    expect(new Set(keys)).toHaveLength(4);
  });

  it("tells nothing about the person, and fits a URL and a table key", () => {
    expect(userKeyOf(IDENTITY)).toMatch(/^[\w-]{43}$/);
    expect(userKeyOf(IDENTITY)).not.toContain(IDENTITY.objectId.slice(0, 8));
  });
});
