import { describe, expect, it } from "vitest";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { RowChanged } from "../../shared/storage/store.ts";
import { noTelemetry } from "../../shared/telemetry/telemetry.ts";
import { TracedStore } from "../../shared/telemetry/traced-store.ts";
import { storeContract } from "../storage/store-contract.ts";
import { RecordingTelemetry } from "../support/recording-telemetry.ts";

describe("a traced store is a store", () => {
  const store = new TracedStore(new MemoryStore(), noTelemetry);
  storeContract(() => store);
});

describe("a traced store that is watched is a store", () => {
  const store = new TracedStore(new MemoryStore(), new RecordingTelemetry());
  storeContract(() => store);
});

describe("the span of an operation", () => {
  const key = { partition: "a-person", row: "a-session" };

  it("says that somebody else was first, which is no failure", async () => {
    const telemetry = new RecordingTelemetry();
    const store = new TracedStore(new MemoryStore(), telemetry);
    await telemetry.span({ name: "request" }, async () => {
      const etag = await store.insert("sessions", key, {});
      await store.put("sessions", key, {});
      await expect(store.replace("sessions", key, {}, etag)).rejects.toThrow(RowChanged);
    });
    const [span] = telemetry.named("replace sessions");
    expect(span?.attributes["outcome"]).toBe("RowChanged");
    expect(span?.status.code).toBe(0);
  });

  it("ends with the listing, also where the reader stops early, and holds no key", async () => {
    const telemetry = new RecordingTelemetry();
    const store = new TracedStore(new MemoryStore(), telemetry);
    await telemetry.span({ name: "request" }, async () => {
      for (const row of ["a-1", "a-2"]) await store.put("sessions", { ...key, row }, {});
      for await (const row of store.list("sessions", key.partition)) {
        expect(row.key.row).toBe("a-1");
        break;
      }
    });
    expect(telemetry.named("list sessions")).toHaveLength(1);
    expect(await telemetry.everything()).not.toContain(key.partition);
  });

  it("is not there where no request waits for it", async () => {
    const telemetry = new RecordingTelemetry();
    const store = new TracedStore(new MemoryStore(), telemetry);
    await store.put("sessions", key, {});
    expect(telemetry.spans).toEqual([]);
  });
});
