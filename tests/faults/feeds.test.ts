import { randomUUID } from "node:crypto";
import { TableClient, TableServiceClient } from "@azure/data-tables";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { PUBLISHER } from "../../tools/entra/service-principals.ts";
import { appToken } from "../support/app-token.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { health } from "../support/health.ts";
import { openStream, type RawStream } from "../support/raw-stream.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { connectAs, type ConnectedClient } from "../support/sdk-client.ts";
import { streamableClient } from "../support/streamable-client.ts";

const SUBSCRIBERS = 1_000;
const PUBLICATIONS = 300;
const EVERY_MS = 100;
/** Those that read, too: so many of each of three kinds, of a feed of their own. */
const READERS_OF_A_KIND = 3;
const READ_PUBLICATIONS = 100;
const READ_URI = "feed://rates";
const URI = "feed://prices";

let cluster: Cluster;
let reader: ConnectedClient;
let streams: RawStream[] = [];
beforeAll(async () => {
  cluster = await startCluster();
  reader = await connectAs(cluster.baseUrl, "alice");
});
afterAll(async () => {
  await reader.close();
  await cluster.stop();
});

async function publish(token: string, sequence: number, uri = URI): Promise<void> {
  const response = await fetch(new URL("/publish", cluster.baseUrl), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify([{ topic: uri.slice("feed://".length), value: sequence, sequence }]),
  });
  expect(response.status).toBe(200);
  await response.body?.cancel();
}

const streamsHeld = async () => {
  const held = await Promise.all(cluster.host.instances.map(({ url }) => health(url)));
  return held.reduce((sum, { streams: open }) => sum + open, 0);
};

/** Every row of what publications leave. Of connections, for which clients may come back, there is more for ten minutes. */
async function rows(): Promise<string[]> {
  const options = { allowInsecureConnection: true };
  const service = TableServiceClient.fromConnectionString(cluster.connectionString, options);
  const found: string[] = [];
  for await (const { name = "" } of service.listTables()) {
    if (!["feeds", "inbox", "events"].includes(name)) continue;
    const table = TableClient.fromConnectionString(cluster.connectionString, name, options);
    for await (const { partitionKey, rowKey } of table.listEntities()) {
      found.push(`${name} ${partitionKey} ${rowKey}`);
    }
  }
  return found;
}

const told = (stream: RawStream) =>
  stream.text().split("notifications/resources/updated").length - 1;

/** Publishes ten times a second. */
async function publishAll(publications: number, uri = URI): Promise<void> {
  const token = await appToken(cluster.entra, PUBLISHER);
  for (let sequence = 1; sequence <= publications; sequence++) {
    const next = new Promise((resolve) => {
      setTimeout(resolve, EVERY_MS);
    });
    await publish(token, sequence, uri);
    await next;
  }
}

/** @returns How often each stream was told, once all that was under way has arrived. */
async function quiet(): Promise<number[]> {
  let counts: number[] = [];
  await expect
    .poll(
      () => {
        const before = counts;
        counts = streams.map(told);
        return counts.every((count, n) => count === before[n]);
      },
      { interval: 1_000, timeout: 30_000 },
    )
    .toBe(true);
  return counts;
}

/** A client that reads whenever it is told, at whatever instance the front end sends it to. */
interface Reader {
  readonly name: string;
  /** The values that it has read, in the order of its reads. */
  readonly seen: readonly number[];
  /** Reads that have failed. */
  readonly failed: readonly unknown[];
  close(): Promise<void>;
}

/** Clients of every kind, one after the other through the front end: their streams are on all instances. */
async function startReaders(): Promise<Reader[]> {
  const signedIn = await new OAuthTestClient(cluster.baseUrl, fetch).tokens("bob", {
    resource: `${cluster.baseUrl}/mcp`,
  });
  const { access_token: token } = signedIn;
  const readers: Reader[] = [];
  for (let n = 0; n < READERS_OF_A_KIND; n++) {
    const sse = await connectAs(cluster.baseUrl, "bob");
    const bySse = whenTold(() => sse.client.readResource({ uri: READ_URI }));
    sse.client.setNotificationHandler(ResourceUpdatedNotificationSchema, bySse.told);
    await sse.client.subscribeResource({ uri: READ_URI });
    readers.push({
      name: `sse ${n}`,
      ...bySse.reads,
      async close() {
        await bySse.settled();
        await sse.close();
      },
    });

    for (const revision of ["2025", "2026"] as const) {
      const client = await streamableClient(cluster.baseUrl, token, revision);
      const reading = whenTold(() => client.readResource({ uri: READ_URI }));
      client.setNotificationHandler("notifications/resources/updated", reading.told);
      let listening: { close(): Promise<void> } | undefined;
      if (revision === "2025") await client.subscribeResource({ uri: READ_URI });
      else listening = await client.listen({ resourceSubscriptions: [READ_URI] });
      readers.push({
        name: `${revision} ${n}`,
        ...reading.reads,
        async close() {
          await reading.settled();
          await listening?.close();
          await client.close();
        },
      });
    }
  }
  return readers;
}

/** Reads one time after the other, as long as there was word of a change since the last read began. */
function whenTold(read: () => Promise<{ contents: readonly object[] }>) {
  const seen: number[] = [];
  const failed: unknown[] = [];
  let waiting = false;
  let reading: Promise<void> | undefined;
  const readNewest = async () => {
    while (waiting) {
      waiting = false;
      try {
        const { contents } = await read();
        const [content] = contents;
        seen.push(content !== undefined && "text" in content ? Number(content.text) : Number.NaN);
      } catch (error) {
        failed.push(error);
      }
    }
    reading = undefined;
  };
  return {
    reads: { seen, failed },
    told: () => {
      waiting = true;
      reading ??= readNewest();
    },
    /** Resolves when no read is under way, which the end of its client would break off. */
    async settled() {
      await reading;
    },
  };
}

it("none who reads whenever it is told reads an older value after a newer, and all end on the last", async () => {
  const readers = await startReaders();
  await publishAll(READ_PUBLICATIONS, READ_URI);
  for (const { seen, failed, name } of readers) {
    await expect.poll(() => seen.at(-1), { message: name }).toBe(READ_PUBLICATIONS);
    expect(failed, name).toEqual([]);
    // Told again and again while it changed.
    expect(seen.length, name).toBeGreaterThan(READ_PUBLICATIONS / 10);
    expect(seen, name).toEqual(seen.toSorted((a, b) => a - b));
  }
  for (const client of readers) await client.close();
});

it("1,000 subscribers of one feed that changes ten times a second all end on the last value", async () => {
  const token = reader.provider.tokens()?.access_token ?? "";
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  await publish(await appToken(cluster.entra, PUBLISHER), 0);
  // What this very publication has written for the other instances is taken first.
  await expect
    .poll(async () => (await rows()).filter((row) => row.startsWith("inbox ")))
    .toEqual([]);
  const rowsBefore = await rows();
  for (let n = 0; n < SUBSCRIBERS; n += 50) {
    streams.push(
      ...(await Promise.all(
        Array.from({ length: 50 }, async () => {
          const stream = await openStream(cluster.baseUrl, token);
          const body = JSON.stringify({
            jsonrpc: "2.0",
            id: randomUUID(),
            method: "resources/subscribe",
            params: { uri: URI },
          });
          const posted = await fetch(stream.endpoint, { method: "POST", headers, body });
          expect(posted.status).toBe(202);
          await posted.body?.cancel();
          return stream;
        }),
      )),
    );
  }
  await expect
    .poll(() => streams.filter((stream) => stream.text().includes('"result":{}')).length, {
      timeout: 60_000,
    })
    .toBe(SUBSCRIBERS);

  await publishAll(PUBLICATIONS);
  const before = await quiet();
  expect(Math.max(...before)).toBeLessThanOrEqual(PUBLICATIONS + 1);
  await publish(await appToken(cluster.entra, PUBLISHER), PUBLICATIONS + 1);
  // Whoever is told after the last publication reads the last value: the telling comes after the writing.
  await expect
    .poll(() => streams.every((stream, n) => told(stream) > (before[n] ?? 0)), { timeout: 30_000 })
    .toBe(true);

  for (const stream of streams) stream.drop();
  streams = [];
  await expect.poll(streamsHeld, { timeout: 20_000 }).toBe(1);
  await expect.poll(rows, { timeout: 20_000 }).toEqual(rowsBefore);
}, 240_000);
