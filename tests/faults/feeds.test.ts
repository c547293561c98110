import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PUBLISHER } from "../../tools/entra/service-principals.ts";
import { appToken } from "../support/app-token.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { health } from "../support/health.ts";
import { openStream, type RawStream } from "../support/raw-stream.ts";
import { connectAs, type ConnectedClient } from "../support/sdk-client.ts";

const SUBSCRIBERS = 1_000;
const PUBLICATIONS = 300;
const EVERY_MS = 100;
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

async function publish(token: string, sequence: number): Promise<void> {
  const response = await fetch(new URL("/publish", cluster.baseUrl), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify([{ topic: "prices", value: sequence, sequence }]),
  });
  expect(response.status).toBe(200);
  await response.body?.cancel();
}

const streamsHeld = async () => {
  const held = await Promise.all(cluster.host.instances.map(({ url }) => health(url)));
  return held.reduce((sum, { streams: open }) => sum + open, 0);
};

const told = (stream: RawStream) =>
  stream.text().split("notifications/resources/updated").length - 1;

it("1,000 subscribers of one feed that changes ten times a second all end on the last value", async () => {
  const token = reader.provider.tokens()?.access_token ?? "";
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
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

  const publisher = await appToken(cluster.entra, PUBLISHER);
  for (let sequence = 1; sequence <= PUBLICATIONS; sequence++) {
    const next = new Promise((resolve) => {
      setTimeout(resolve, EVERY_MS);
    });
    await publish(publisher, sequence);
    await next;
  }
  const settled = streams.map(told);
  // Whoever was told after the last publication reads the last value: the telling comes after the writing.
  await expect
    .poll(() => streams.every((stream) => told(stream) > 0), { timeout: 30_000 })
    .toBe(true);
  expect(Math.max(...settled)).toBeLessThanOrEqual(PUBLICATIONS + 1);
  const { contents } = await reader.client.readResource({ uri: URI });
  expect(contents).toMatchObject([{ text: String(PUBLICATIONS) }]);

  for (const stream of streams) stream.drop();
  streams = [];
  await expect.poll(streamsHeld, { timeout: 20_000 }).toBe(1);
}, 240_000);
