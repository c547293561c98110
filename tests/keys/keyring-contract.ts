import { beforeEach, expect, it } from "vitest";
import type { Row, Store } from "../../shared/storage/store.ts";
import { createSessionParts, LOCAL_KEY } from "../support/parts.ts";

/** What holds for the keys of an installation, whatever store they are kept in. */
export function keyringContract(storeOf: () => Store): void {
  beforeEach(async () => {
    for (const { key } of await keyRows()) await storeOf().delete("keys", key);
  });

  async function keyRows(): Promise<Row[]> {
    const partitions = ["data", "signing"].map((name) => storeOf().list("keys", name));
    return (await Promise.all(partitions.map((rows) => Array.fromAsync(rows)))).flat();
  }

  const instance = () => createSessionParts({ store: storeOf() }).keyring;

  it("ends with the same keys on instances that start at the same time on empty tables", async () => {
    const keys = await Promise.all(
      Array.from({ length: 5 }, instance).map(async (keyring) => {
        const [data, signing] = await Promise.all([keyring.dataKey(), keyring.signingKey()]);
        const secret = Buffer.from(data.secret).toString("hex");
        const published = await keyring.publicKeys();
        return JSON.stringify({ data: data.kid, secret, signing: signing.kid, published });
      }),
    );
    expect(new Set(keys)).toHaveLength(1);
    expect(await keyRows()).toHaveLength(2);
  });

  it("finds the keys that were made before", async () => {
    const [first, later] = [instance(), instance()];
    expect((await first.signingKey()).kid).toBe((await later.signingKey()).kid);
    expect(await later.dataKey()).toEqual(await first.dataKey());
  });

  it("keeps neither a private key nor a data key in clear", async () => {
    const keyring = instance();
    const { secret } = await keyring.dataKey();
    const rows = JSON.stringify(await keyRows());
    expect(rows).toContain("publicJwk");
    expect(rows).not.toMatch(/\\"d\\":/); // the private member of an EC key (RFC 7518 §6.2.2)
    expect(rows).not.toContain(Buffer.from(secret).toString("base64url"));
    expect(rows).not.toContain(LOCAL_KEY);
  });
}
