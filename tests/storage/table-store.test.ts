import { createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { StorageUnavailable, type Store, type Tries } from "../../shared/storage/store.ts";
import { TableStore } from "../../shared/storage/table-store.ts";
import { azuriteConnectionString } from "../../tools/stack/local-settings.ts";
import { startLossyProxy } from "../support/lossy-proxy.ts";
import { startTestAzurite, type TestAzurite } from "../support/test-azurite.ts";
import { storeContract } from "./store-contract.ts";

const key = { partition: "p", row: "r" };

let azurite: TestAzurite;
let store: TableStore;
beforeAll(async () => {
  azurite = await startTestAzurite();
  store = new TableStore(azurite.connectionString);
}, 40_000);
afterAll(() => azurite.stop());
afterEach(() => {
  vi.restoreAllMocks();
});

describe("on Azurite", () => storeContract(() => store));

describe("a table that is missing", () => {
  it("is made when it is first read", async () => {
    expect(await store.get("clients", key)).toBeUndefined();
    expect(await store.delete("settings", key)).toBe(false);
    for await (const row of store.list("vault", "p")) expect.unreachable(row.key.row);
  });

  it("is made once when many write at the same time", async () => {
    const rows = Array.from({ length: 10 }, (_, n) => ({ partition: "p", row: String(n) }));
    await Promise.all(rows.map((row) => store.insert("transactions", row, { n: 1 })));
    const found = await Promise.all(rows.map((row) => store.get("transactions", row)));
    expect(found.every((row) => row?.value["n"] === 1)).toBe(true);
  });
});

/** @returns How often an insert was sent whose answers all get lost. */
async function inserts(tries: Tries): Promise<number> {
  let sent = 0;
  const proxy = await startLossyProxy(azurite.port, ({ method, url }) => {
    const isInsert = method === "POST" && url?.includes("/used") === true;
    if (isInsert) sent += 1;
    return isInsert;
  });
  const ports = { table: proxy.port, blob: 1, queue: 1 };
  const lossy = new TableStore(azuriteConnectionString(ports));
  await lossy.insert("used", { partition: "p", row: tries }, {}, tries).catch(() => undefined);
  await proxy.stop();
  return sent;
}

describe("a write whose answer is lost", () => {
  it("is sent again, and only once where a second try is not the same as the first", async () => {
    await store.get("used", key);
    expect(await inserts("several")).toBeGreaterThan(1);
    expect(await inserts("once")).toBe(1);
  });
});

const OPERATIONS: Readonly<Record<string, (unreachable: Store) => Promise<unknown>>> = {
  get: (down) => down.get("codes", key),
  insert: (down) => down.insert("codes", key, {}),
  replace: (down) => down.replace("codes", key, {}, 'W/"1"'),
  put: (down) => down.put("codes", key, {}),
  delete: (down) => down.delete("codes", key),
  list: (down) => Array.fromAsync(down.list("codes", "p")),
};

const EVERY_OPERATION_UNAVAILABLE = Object.keys(OPERATIONS).map((name) => [
  name,
  StorageUnavailable,
]);

/** @returns What class of error each operation throws. */
function outcomes(unreachable: Store) {
  return Promise.all(
    Object.entries(OPERATIONS).map(async ([name, operation]) => {
      const outcome: unknown = await operation(unreachable).catch((error: unknown) => error);
      return [name, outcome instanceof Error ? outcome.constructor : outcome];
    }),
  );
}

describe("an outage", () => {
  let short: TestAzurite;
  beforeAll(async () => {
    short = await startTestAzurite();
  }, 40_000);
  afterAll(() => short.stop());

  it("is StorageUnavailable for every operation when nothing listens any more", async () => {
    const orphan = new TableStore(short.connectionString);
    await orphan.put("codes", key, { n: 1 });
    await short.stop();
    expect(await outcomes(orphan)).toEqual(EVERY_OPERATION_UNAVAILABLE);
  }, 8_000);

  it("is StorageUnavailable, not a hang, when the service takes requests and never answers", async () => {
    const silent = await listen();
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const deadlines: number[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      deadlines.push(ms);
      return timeout(50);
    });
    const table = portOf(silent);
    const waiting = new TableStore(azuriteConnectionString({ table, blob: 1, queue: 1 }));
    expect(await outcomes(waiting)).toEqual(EVERY_OPERATION_UNAVAILABLE);
    expect(Math.max(...deadlines)).toBeLessThanOrEqual(5_000);
    silent.close();
  }, 8_000);

  it("keeps its cause for the log", async () => {
    const port = await listen();
    const table = portOf(port);
    await new Promise((resolve) => port.close(resolve));
    const gone = new TableStore(azuriteConnectionString({ table, blob: 1, queue: 1 }));
    const error: unknown = await gone.get("codes", key).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: "table codes did not answer", cause: {} });
    expect(String((error as Error).cause)).toContain("ECONNREFUSED");
  }, 8_000);
});

async function listen(): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}
