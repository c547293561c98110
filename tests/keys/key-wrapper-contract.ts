import { expect, it } from "vitest";
import { DATA_KEY_BYTES, type KeyWrapper } from "../../shared/keys/key-wrapper.ts";
import { systemRandom } from "../../shared/random.ts";

/**
 * What holds for whatever wraps the data keys.
 *
 * @param wrapper Makes an adapter to the same wrapping key each time, as another instance has it.
 * @param stranger Makes one to another wrapping key.
 */
export function keyWrapperContract(wrapper: () => KeyWrapper, stranger: () => KeyWrapper): void {
  const dataKey = systemRandom.bytes(DATA_KEY_BYTES);

  it("unwraps what it wrapped, on this instance and on another", async () => {
    const here = wrapper();
    const wrapped = await here.wrap(dataKey);
    expect(await here.unwrap(wrapped)).toEqual(dataKey);
    expect(await wrapper().unwrap(wrapped)).toEqual(dataKey);
  });

  it("names the key that it wrapped with", async () => {
    const { wrappedWith } = await wrapper().wrap(dataKey);
    expect(wrappedWith).toBe(await wrapper().currentId());
  });

  it("shows nothing of the data key", async () => {
    const row = JSON.stringify(await wrapper().wrap(dataKey));
    expect(row).not.toContain(Buffer.from(dataKey).toString("base64url"));
  });

  it("refuses a wrapped key that was tampered with", async () => {
    const { wrapped, wrappedWith } = await wrapper().wrap(dataKey);
    const bytes = Buffer.from(wrapped, "base64url");
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    const tampered = { wrappedWith, wrapped: bytes.toString("base64url") };
    await expect(wrapper().unwrap(tampered)).rejects.toThrow();
  });

  it("says which key is missing, and what to do, when another one wrapped", async () => {
    const wrapped = await stranger().wrap(dataKey);
    const attempt = wrapper().unwrap(wrapped);
    await expect(attempt).rejects.toThrow(wrapped.wrappedWith);
    await expect(attempt).rejects.toThrow("start with empty tables");
  });
}
