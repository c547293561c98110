import { beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../shared/digest.ts";
import { createSessionParts, type Parts } from "../support/parts.ts";

let parts: Parts;
let token: string;
beforeEach(async () => {
  parts = createSessionParts();
  token = await parts.refreshTokens.make("user-1", "session-1", 37);
});

describe("a refresh token", () => {
  it("names its session and generation, and is known by its hash", async () => {
    expect(await parts.refreshTokens.read(token)).toEqual({
      userKey: "user-1",
      sessionId: "session-1",
      generation: 37,
      hash: sha256(token),
    });
  });

  it("is read by another instance of the same installation", async () => {
    const other = createSessionParts({ store: parts.store });
    expect(await other.refreshTokens.read(token)).toMatchObject({ sessionId: "session-1" });
  });

  it("is never the same twice, and has 256 random bits (RFC 6749 §10.10)", async () => {
    const again = await parts.refreshTokens.make("user-1", "session-1", 37);
    expect(again).not.toBe(token);
    expect(Buffer.from(again.split(".")[5] ?? "", "base64url")).toHaveLength(32);
  });

  it.each([
    ["version", 0],
    ["key id", 1],
    ["user", 2],
    ["session", 3],
    ["generation", 4],
    ["random part", 5],
    ["MAC", 6],
  ])("cannot be changed: the %s", async (_, at) => {
    const parts7 = token.split(".");
    const part = parts7[at] ?? "";
    parts7[at] = `${part.startsWith("A") ? "B" : "A"}${part.slice(1)}`;
    expect(await parts.refreshTokens.read(parts7.join("."))).toBeUndefined();
  });

  it("cannot be invented: nobody ends a stranger's session with a token they made up", async () => {
    const { kid } = await parts.keyring.dataKey();
    const body = `r1.${kid}.user-1.session-1.1.${"A".repeat(43)}`;
    for (const mac of ["", "A".repeat(43), sha256(body)]) {
      expect(await parts.refreshTokens.read(`${body}.${mac}`)).toBeUndefined();
    }
  });

  it("is not accepted from another installation", async () => {
    const foreign = await createSessionParts().refreshTokens.make("user-1", "session-1", 1);
    expect(await parts.refreshTokens.read(foreign)).toBeUndefined();
  });

  it.each(["", "r1", "......", "r1......", "x".repeat(10_000)])("is not %j", async (text) => {
    expect(await parts.refreshTokens.read(text)).toBeUndefined();
  });

  it("does not count with something added", async () => {
    expect(await parts.refreshTokens.read(`${token}.x`)).toBeUndefined();
    expect(await parts.refreshTokens.read(`${token}=`)).toBeUndefined();
  });
});
