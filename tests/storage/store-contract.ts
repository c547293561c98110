import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import {
  BATCH_MAX,
  RowChanged,
  RowExists,
  type Row,
  type Store,
} from "../../shared/storage/store.ts";

/** More than the table service puts on one page. */
const MORE_THAN_A_PAGE = 1_010;

/** What the seam to storage promises. @param storeOf is asked once the file's own hooks have run. */
export function storeContract(storeOf: () => Store): void {
  let store: Store;
  let partition: string;
  beforeEach(() => {
    store = storeOf();
    // Every test in a partition of its own: they share tables that nobody empties.
    partition = randomUUID();
  });
  const at = (row: string) => ({ partition, row });
  const firstOf = async (prefix: string, max: number) => {
    const rows = await Array.fromAsync(store.list("codes", partition, { prefix, max }));
    return rows.map(({ key }) => key.row);
  };
  const keys = (...names: string[]) => names.map((name) => at(name));
  const read = async () => {
    const rows: Row[] = [];
    for await (const row of store.list("codes", partition)) rows.push(row);
    return rows;
  };

  describe("get and insert", () => {
    it("finds nothing under a key that was never written", async () => {
      expect(await store.get("codes", at("a"))).toBeUndefined();
    });

    it("gives back what was inserted, under its key and the ETag that the insert returned", async () => {
      const value = { text: "ü €", empty: "", yes: true, no: false, zero: 0, half: 0.5, less: -7 };
      const etag = await store.insert("codes", at("a"), value);
      expect(await store.get("codes", at("a"))).toMatchObject({ key: at("a"), etag, value });
    });

    it("keeps times in milliseconds, which do not fit 32 bits", async () => {
      const value = { at: 1_795_000_000_123, whole: 1_795_000_000_000, max: 2_147_483_648 };
      await store.insert("codes", at("a"), value);
      expect((await store.get("codes", at("a")))?.value).toEqual(value);
    });

    it("refuses to insert where a row is, and leaves that row alone", async () => {
      await store.insert("codes", at("a"), { n: 1 });
      await expect(store.insert("codes", at("a"), { n: 2 })).rejects.toThrow(RowExists);
      expect((await store.get("codes", at("a")))?.value).toEqual({ n: 1 });
    });

    it("does not write undefined", async () => {
      await store.insert("codes", at("a"), { kept: "x", left: undefined });
      expect(Object.keys((await store.get("codes", at("a")))?.value ?? {})).toEqual(["kept"]);
    });

    it("keeps strings of 30,000 characters, also outside the basic plane", async () => {
      const value = { ascii: "a".repeat(30_000), astral: "😀".repeat(15_000) };
      await store.insert("codes", at("a"), value);
      expect((await store.get("codes", at("a")))?.value).toEqual(value);
    });

    it.each([
      "0f3a.Ab-_9",
      "3b1f6d0a-5c27-4e8b-9a14-7d60c2e5f811",
      "bqx2-f",
      "feed:news~1",
      "it's",
      "100% a&b=c+d",
    ])("takes %j for a partition and for a row", async (name) => {
      const key = { partition: `${partition}${name}`, row: name };
      const etag = await store.insert("codes", key, { n: 1 });
      expect(await store.get("codes", key)).toMatchObject({ key, value: { n: 1 } });
      expect(await store.delete("codes", key, etag)).toBe(true);
    });

    it("tells keys apart that differ in case only: ids are base64url", async () => {
      await store.insert("codes", at("aB"), { n: 1 });
      await store.insert("codes", at("Ab"), { n: 2 });
      expect((await store.get("codes", at("aB")))?.value).toEqual({ n: 1 });
    });

    it("keeps tables apart", async () => {
      await store.insert("codes", at("a"), { n: 1 });
      expect(await store.get("sessions", at("a"))).toBeUndefined();
    });
  });

  describe("replace and put", () => {
    it("replaces the row that was read, whole, under a new ETag", async () => {
      const first = await store.insert("codes", at("a"), { n: 1, old: "x" });
      const second = await store.replace("codes", at("a"), { n: 2, old: undefined }, first);
      expect(second).not.toBe(first);
      const row = await store.get("codes", at("a"));
      expect(row).toMatchObject({ key: at("a"), etag: second });
      expect(row?.value).toEqual({ n: 2 });
    });

    it("refuses a row that has changed since it was read, even to the same value", async () => {
      const first = await store.insert("codes", at("a"), { n: 1 });
      await store.replace("codes", at("a"), { n: 1 }, first);
      await expect(store.replace("codes", at("a"), { n: 3 }, first)).rejects.toThrow(RowChanged);
      expect((await store.get("codes", at("a")))?.value).toEqual({ n: 1 });
    });

    it("refuses a row that is gone, and one that was deleted and made again", async () => {
      const etag = await store.insert("codes", at("a"), { n: 1 });
      await store.delete("codes", at("a"));
      await expect(store.replace("codes", at("a"), { n: 2 }, etag)).rejects.toThrow(RowChanged);
      await store.insert("codes", at("a"), { n: 1 });
      await expect(store.replace("codes", at("a"), { n: 2 }, etag)).rejects.toThrow(RowChanged);
    });

    it("puts a row whatever was there, whole, so that a reader's ETag counts no more", async () => {
      await store.put("codes", at("a"), { n: 1, old: "x" });
      const first = (await store.get("codes", at("a")))?.etag ?? "";
      const second = await store.put("codes", at("a"), { n: 2 });
      expect(await store.get("codes", at("a"))).toMatchObject({ etag: second, value: { n: 2 } });
      expect((await store.get("codes", at("a")))?.value).not.toHaveProperty("old");
      await expect(store.replace("codes", at("a"), { n: 3 }, first)).rejects.toThrow(RowChanged);
    });

    it("lets exactly one of many simultaneous writers win", async () => {
      const etag = await store.insert("codes", at("a"), { winner: -1 });
      const attempts = await Promise.allSettled(
        Array.from({ length: 20 }, (_, winner) =>
          store.replace("codes", at("a"), { winner }, etag),
        ),
      );
      const won = attempts.findIndex(({ status }) => status === "fulfilled");
      const lost = attempts.filter((attempt) => attempt.status === "rejected");
      expect(lost).toHaveLength(19);
      for (const { reason } of lost) expect(reason).toBeInstanceOf(RowChanged);
      expect((await store.get("codes", at("a")))?.value).toEqual({ winner: won });
    });

    it("lets exactly one of many simultaneous inserts win", async () => {
      const attempts = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) => store.insert("codes", at("a"), { n })),
      );
      expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });
  });

  describe("delete", () => {
    it("says whether there was a row", async () => {
      await store.insert("codes", at("a"), { n: 1 });
      expect(await store.delete("codes", at("a"))).toBe(true);
      expect(await store.get("codes", at("a"))).toBeUndefined();
      expect(await store.delete("codes", at("a"))).toBe(false);
    });

    it("leaves a row that has changed since it was read", async () => {
      const etag = await store.insert("codes", at("a"), { n: 1 });
      await store.put("codes", at("a"), { n: 2 });
      await expect(store.delete("codes", at("a"), etag)).rejects.toThrow(RowChanged);
      expect((await store.get("codes", at("a")))?.value).toEqual({ n: 2 });
    });

    it("says that a row is gone, ETag or not", async () => {
      const etag = await store.insert("codes", at("a"), { n: 1 });
      await store.delete("codes", at("a"), etag);
      expect(await store.delete("codes", at("a"), etag)).toBe(false);
    });

    it("tells exactly one of many simultaneous claimants that the row was theirs", async () => {
      const etag = await store.insert("codes", at("a"), { n: 1 });
      const attempts = await Promise.all(
        Array.from({ length: 20 }, () => store.delete("codes", at("a"), etag)),
      );
      expect(attempts.filter(Boolean)).toHaveLength(1);
    });
  });

  describe("deleteAll", () => {
    it("deletes several rows of a partition", async () => {
      for (const name of ["a", "b", "c"]) await store.insert("codes", at(name), { name });
      await store.deleteAll("codes", keys("a", "b"));
      expect((await read()).map(({ key }) => key.row)).toEqual(["c"]);
    });

    it("deletes none where one is gone", async () => {
      for (const name of ["a", "c"]) await store.insert("codes", at(name), { name });
      await expect(store.deleteAll("codes", keys("a", "b", "c"))).rejects.toThrow(RowChanged);
      expect((await read()).map(({ key }) => key.row)).toEqual(["a", "c"]);
    });

    it("deletes a whole batch, and nothing where nothing is named", async () => {
      const names = Array.from({ length: BATCH_MAX }, (_, n) => `r${n}`);
      await Promise.all(names.map((name) => store.insert("codes", at(name), { name })));
      await store.deleteAll("codes", []);
      await store.deleteAll("codes", keys(...names));
      expect(await read()).toEqual([]);
    });
  });

  describe("the time of a row", () => {
    it("is told by the service: when it was written, and when it was read", async () => {
      await store.insert("codes", at("a"), { n: 1 });
      const got = await store.get("codes", at("a"));
      const [listed] = await read();
      expect(listed?.writtenAt).toBe(got?.writtenAt);
      for (const row of [got, listed]) {
        // The time of reading is exact to the second.
        expect((row?.readAt ?? 0) - (row?.writtenAt ?? 0)).toBeGreaterThan(-1_000);
        expect((row?.readAt ?? 0) - (row?.writtenAt ?? 0)).toBeLessThan(60_000);
      }
    });

    it("moves with every write", async () => {
      const etag = await store.insert("codes", at("a"), { n: 1 });
      const first = (await store.get("codes", at("a")))?.writtenAt ?? Infinity;
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
      await store.replace("codes", at("a"), { n: 1 }, etag);
      expect((await store.get("codes", at("a")))?.writtenAt).toBeGreaterThan(first);
    });
  });

  describe("list", () => {
    it("gives the rows of one partition and no other, in the order of their characters' codes", async () => {
      const names = ["b", "a", "B", "_", "-", "10", "2", "aa"];
      for (const name of names) await store.insert("codes", at(name), { name });
      await store.insert("codes", { partition: `${partition}0`, row: "a" }, { name: "other" });
      const rows = await read();
      expect(rows.map(({ key }) => key.row)).toEqual(["-", "10", "2", "B", "_", "a", "aa", "b"]);
      expect(rows[0]).toMatchObject({ key: at("-"), value: { name: "-" } });
    });

    it("gives the first of those whose key begins in a certain way", async () => {
      for (const name of ["a3", "a1", "b1", "a2", "a", "A1"])
        await store.insert("codes", at(name), {});
      expect(await firstOf("a", 3)).toEqual(["a", "a1", "a2"]);
      expect(await firstOf("a", 10)).toEqual(["a", "a1", "a2", "a3"]);
      expect(await firstOf("c", 10)).toEqual([]);
    });

    it("gives nothing for a partition that is not there", async () => {
      expect(await read()).toEqual([]);
    });

    it("gives ETags that a conditional write takes", async () => {
      await store.insert("codes", at("a"), { n: 1 });
      const [row] = await read();
      await store.replace("codes", at("a"), { n: 2 }, row?.etag ?? "");
      expect((await store.get("codes", at("a")))?.value).toEqual({ n: 2 });
    });

    it("goes on over the page boundary of the table service", async () => {
      const names = Array.from({ length: MORE_THAN_A_PAGE }, (_, n) => String(n).padStart(6, "0"));
      for (let from = 0; from < names.length; from += 50) {
        const some = names.slice(from, from + 50);
        await Promise.all(some.map((name) => store.insert("codes", at(name), { name })));
      }
      expect((await read()).map(({ key }) => key.row)).toEqual(names);
    }, 30_000);
  });
}
