import { describe, expect, it } from "vitest";
import { LocalKeyWrapper } from "../../shared/keys/local-key-wrapper.ts";
import { systemRandom } from "../../shared/random.ts";
import { LOCAL_KEY } from "../support/parts.ts";

const OTHER_KEY = Buffer.alloc(32, 8).toString("base64url");
const dataKey = systemRandom.bytes(32);

describe("LocalKeyWrapper", () => {
  it("unwraps what it wrapped, in this process and in the next one", async () => {
    const wrapped = await new LocalKeyWrapper(LOCAL_KEY).wrap(dataKey);
    expect(await new LocalKeyWrapper(LOCAL_KEY).unwrap(wrapped)).toEqual(dataKey);
  });

  it("shows neither the data key nor LOCAL_KEY", async () => {
    const row = JSON.stringify(await new LocalKeyWrapper(LOCAL_KEY).wrap(dataKey));
    expect(row).not.toContain(Buffer.from(dataKey).toString("base64url"));
    expect(row).not.toContain(LOCAL_KEY);
  });

  it("says which LOCAL_KEY is missing, and what to do, when another one wrapped", async () => {
    const wrapped = await new LocalKeyWrapper(OTHER_KEY).wrap(dataKey);
    const attempt = new LocalKeyWrapper(LOCAL_KEY).unwrap(wrapped);
    await expect(attempt).rejects.toThrow(wrapped.wrappedWith);
    await expect(attempt).rejects.toThrow("start with empty tables");
    await expect(attempt).rejects.not.toThrow(LOCAL_KEY);
  });

  it("refuses a wrapped key that was tampered with (RFC 3394 §2.2.3)", async () => {
    const wrapper = new LocalKeyWrapper(LOCAL_KEY);
    const wrapped = await wrapper.wrap(dataKey);
    const bytes = Buffer.from(wrapped.wrapped, "base64url");
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    const tampered = { ...wrapped, wrapped: bytes.toString("base64url") };
    await expect(wrapper.unwrap(tampered)).rejects.toThrow();
  });
});
