import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { RowChanged, RowExists } from "../../shared/storage/store.ts";
import { TypedTable } from "../../shared/storage/typed-table.ts";

const key = { partition: "p", row: "r" };
const schema = z.object({ name: z.string(), count: z.number().optional() });

let store: MemoryStore;
let table: TypedTable<z.infer<typeof schema>>;
beforeEach(() => {
  store = new MemoryStore();
  table = new TypedTable(store, "clients", schema);
});

describe("TypedTable", () => {
  it("writes the schema version into every row, and does not show it to the reader", async () => {
    await table.insert(key, { name: "a" });
    expect((await store.get("clients", key))?.value).toEqual({ name: "a", schemaVersion: 1 });
    expect((await table.get(key))?.value).toEqual({ name: "a" });
    await table.put(key, { name: "b" });
    expect((await store.get("clients", key))?.value).toMatchObject({ schemaVersion: 1 });
  });

  it("refuses a row that has not the shape of its schema, read alone or in a list", async () => {
    await store.put("clients", key, { name: 7 });
    await expect(table.get(key)).rejects.toThrow(z.ZodError);
    await expect(Array.fromAsync(table.list("p"))).rejects.toThrow(z.ZodError);
  });

  it("replaces the row that was read, and only while it is that one", async () => {
    await table.insert(key, { name: "a", count: 1 });
    const [row] = await Array.fromAsync(table.list("p"));
    if (row === undefined) throw new Error("no row");
    await table.replace(row, { name: "b" });
    expect((await table.get(key))?.value).toEqual({ name: "b" });
    await expect(table.replace(row, { name: "c" })).rejects.toThrow(RowChanged);
    await expect(table.delete(key, row.etag)).rejects.toThrow(RowChanged);
    await expect(table.insert(key, { name: "d" })).rejects.toThrow(RowExists);
  });

  it("keeps the columns and the version of a newer release when it replaces a row", async () => {
    await store.put("clients", key, { name: "a", addedLater: "x", schemaVersion: 2 });
    const row = await table.get(key);
    if (row === undefined) throw new Error("no row");
    await table.replace(row, { name: "b" });
    expect((await store.get("clients", key))?.value).toEqual({
      name: "b",
      addedLater: "x",
      schemaVersion: 2,
    });
  });
});
