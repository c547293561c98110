import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PUBLISHER } from "../../tools/entra/service-principals.ts";
import { appToken } from "../support/app-token.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { health } from "../support/health.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { connectAs } from "../support/sdk-client.ts";
import { tokenClient } from "../support/token-client.ts";

const CALENDAR = "calendar://me/upcoming";
const FEED = "feed://prices";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

const instance = (n: number) => {
  const url = cluster.host.instances[n]?.url;
  if (url === undefined) throw new Error("no such instance");
  return url;
};

/** What each of three clients has been told: one of each kind, each with its stream on another instance. */
async function threeClients() {
  const told: Record<"sse" | "2025" | "2026", string[]> = { sse: [], "2025": [], "2026": [] };

  cluster.proxy.pin(instance(0));
  const sse = await connectAs(cluster.baseUrl, "alice");
  sse.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    told.sse.push(params.uri);
  });
  for (const uri of [CALENDAR, FEED]) await sse.client.subscribeResource({ uri });

  const signedIn = await new OAuthTestClient(cluster.baseUrl, fetch).tokens("alice", {
    resource: `${cluster.baseUrl}/mcp`,
    scope: "mcp user.read calendar.read",
  });
  const { access_token: token } = signedIn;

  cluster.proxy.pin(instance(1));
  const old = await tokenClient(cluster.baseUrl, token, "2025");
  old.setNotificationHandler("notifications/resources/updated", ({ params }) => {
    told["2025"].push(params.uri);
  });
  // The client opens its stream by itself, after it has connected.
  await expect.poll(async () => (await health(instance(1))).streams).toBe(1);
  for (const uri of [CALENDAR, FEED]) await old.subscribeResource({ uri });

  cluster.proxy.pin(instance(2));
  const modern = await tokenClient(cluster.baseUrl, token, "2026");
  modern.setNotificationHandler("notifications/resources/updated", ({ params }) => {
    told["2026"].push(params.uri);
  });
  const listening = await modern.listen({ resourceSubscriptions: [CALENDAR, FEED] });
  expect(listening.honoredFilter.resourceSubscriptions).toEqual([CALENDAR, FEED]);

  cluster.proxy.pin(undefined);
  return {
    told,
    async read(uri: string) {
      const answers = [
        await sse.client.readResource({ uri }),
        await old.readResource({ uri }),
        await modern.readResource({ uri }),
      ];
      return answers.map(({ contents }) => JSON.stringify(contents));
    },
    async close() {
      await listening.close();
      await Promise.all([sse.close(), old.close(), modern.close()]);
    },
  };
}

it("a change at the source reaches clients of all revisions, each on another instance", async () => {
  const clients = await threeClients();
  const { told } = clients;
  expect(cluster.entra.subscriptions()).toHaveLength(1);

  const start = new Date(Date.now() + 3_600_000).toISOString();
  const end = new Date(Date.now() + 7_200_000).toISOString();
  await fetch(new URL("/admin/events", cluster.entra.url), {
    method: "POST",
    body: JSON.stringify({ account: "alice", subject: "Zeppelin flight", start, end }),
  });
  await expect
    .poll(() => told)
    .toEqual({ sse: [CALENDAR], "2025": [CALENDAR], "2026": [CALENDAR] });
  for (const contents of await clients.read(CALENDAR))
    expect(contents).toContain("Zeppelin flight");

  const publisher = await appToken(cluster.entra, PUBLISHER);
  await fetch(new URL("/publish", cluster.baseUrl), {
    method: "POST",
    headers: { authorization: `Bearer ${publisher}`, "content-type": "application/json" },
    body: JSON.stringify([{ topic: "prices", value: { eur: 12.5 }, sequence: 1 }]),
  });
  const both = [CALENDAR, FEED];
  await expect.poll(() => told).toEqual({ sse: both, "2025": both, "2026": both });
  for (const contents of await clients.read(FEED)) expect(contents).toContain("12.5");

  await clients.close();
});
