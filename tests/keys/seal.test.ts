import { beforeEach, describe, expect, it } from "vitest";
import { deriveKey, open, seal, SealBroken } from "../../shared/keys/seal.ts";
import { createSessionParts, type Parts } from "../support/parts.ts";

const key = { kid: "k1", secret: new Uint8Array(32).fill(1) };
const otherSecret = { kid: "k1", secret: new Uint8Array(32).fill(2) };
const keyOf = () => key;
const TEXT = "the refresh token of alice";

let sealed: string;
beforeEach(async () => {
  sealed = await seal(key, "token-cache", "session-1", TEXT);
});

describe("seal", () => {
  it("gives back the text for the same purpose and binding", async () => {
    expect(await open(keyOf, "token-cache", "session-1", sealed)).toBe(TEXT);
  });

  it("names the data key and the algorithm, and shows nothing of the text (RFC 7516)", () => {
    const [header = "", , ciphertext = ""] = sealed.split(".");
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({
      alg: "dir",
      enc: "A256GCM",
      kid: "k1",
    });
    expect(Buffer.from(ciphertext, "base64url").toString("latin1")).not.toContain("alice");
  });

  it("never gives the same twice for the same text", async () => {
    expect(await seal(key, "token-cache", "session-1", TEXT)).not.toBe(sealed);
  });

  it("does not open in another place: a row's value cannot be moved to another row", async () => {
    const moved = open(keyOf, "token-cache", "session-2", sealed);
    await expect(moved).rejects.toThrow(SealBroken);
  });

  it("does not open for another purpose", async () => {
    const misused = open(keyOf, "transaction", "session-1", sealed);
    await expect(misused).rejects.toThrow(SealBroken);
  });

  it("does not open with another key, nor where the key is not known", async () => {
    for (const other of [otherSecret, undefined]) {
      const attempt = open(() => other, "token-cache", "session-1", sealed);
      await expect(attempt).rejects.toThrow(SealBroken);
    }
  });

  it.each(["header", "iv", "ciphertext", "tag"])(
    "does not open with a changed %s",
    async (part) => {
      const at = ["header", "iv", "ciphertext", "tag"].indexOf(part);
      const parts = sealed.split(".");
      const bytes = Buffer.from(parts[at] ?? "", "base64url");
      bytes[2] = (bytes[2] ?? 0) ^ 1;
      parts[at] = bytes.toString("base64url");
      const attempt = open(keyOf, "token-cache", "session-1", parts.join("."));
      await expect(attempt).rejects.toThrow(SealBroken);
    },
  );

  it.each(["", "no seal", "a.b", "....", "e30.e30.e30.e30", "%.%.%.%"])(
    "calls %j broken, whoever wrote it",
    async (text) => {
      await expect(open(keyOf, "token-cache", "session-1", text)).rejects.toThrow(SealBroken);
    },
  );

  it("does not accept another algorithm in the header", async () => {
    const parts = sealed.split(".");
    const header = JSON.stringify({ alg: "A256GCMKW", enc: "A256GCM", kid: "k1" });
    parts[0] = Buffer.from(header).toString("base64url");
    const attempt = open(keyOf, "token-cache", "session-1", parts.join("."));
    await expect(attempt).rejects.toThrow(SealBroken);
  });
});

describe("deriveKey", () => {
  it("gives each purpose a key of its own (RFC 5869)", () => {
    expect(deriveKey(key, "token-cache")).toHaveLength(32);
    expect(deriveKey(key, "token-cache")).toEqual(deriveKey(key, "token-cache"));
    expect(deriveKey(key, "token-cache")).not.toEqual(deriveKey(key, "refresh-token"));
    expect(deriveKey(key, "token-cache")).not.toEqual(key.secret);
  });
});

describe("Sealer", () => {
  let parts: Parts;
  beforeEach(() => {
    parts = createSessionParts();
  });

  it("opens on another instance of the same installation", async () => {
    const text = await parts.sealer.seal("transaction", "here", TEXT);
    const other = createSessionParts({ store: parts.store });
    expect(await other.sealer.open("transaction", "here", text)).toBe(TEXT);
  });

  it("does not open what another installation sealed", async () => {
    const foreign = await createSessionParts().sealer.seal("transaction", "here", TEXT);
    await expect(parts.sealer.open("transaction", "here", foreign)).rejects.toThrow(SealBroken);
  });
});
