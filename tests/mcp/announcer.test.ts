import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Announcer } from "../../shared/mcp/announcer.ts";
import { Connections } from "../../shared/mcp/connections.ts";
import { FakeConnection } from "../support/fake-connection.ts";

const URI = "feed://prices";

let announcer: Announcer;
let client: FakeConnection;
beforeEach(() => {
  vi.useFakeTimers();
  const connections = new Connections();
  client = new FakeConnection("c", "alice", "s");
  connections.add(client);
  announcer = new Announcer({ connections });
});
afterEach(() => vi.useRealTimers());

const publish = (uri = URI) => announcer.announceFeed({ uri, isNew: false });

describe("a burst on one resource", () => {
  it("is told ten times a second at most, and once more after its last word", async () => {
    let lastWord = 0;
    for (let ms = 0; ms < 1_000; ms += 10) {
      publish();
      lastWord = client.announced.length;
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(client.announced.length).toBeGreaterThanOrEqual(10);
    expect(client.announced.length).toBeLessThanOrEqual(11);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(client.announced.length).toBe(lastWord + 1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is told at once at its beginning, also where it follows another", async () => {
    publish();
    expect(client.announced).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(150);
    publish();
    expect(client.announced).toHaveLength(2);
  });

  it("delays no word about another resource", () => {
    publish();
    publish("feed://rates");
    expect(client.announced).toHaveLength(2);
  });
});
