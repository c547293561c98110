import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { z } from "zod";
import type { Envelope } from "../../shared/relay/envelope.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { AT_MOST_MS, ended, timed, FastPaths } from "../support/fast-paths.ts";
import { describeWithRedis } from "../support/test-redis.ts";

describeWithRedis("the way by Redis", () => {
  let ways: FastPaths;
  beforeEach(async () => {
    ways = await FastPaths.start();
  });
  afterEach(() => ways.stop());

  it("hands a message on under its id, and says so to a sender without streams", async () => {
    const received: [string, Envelope][] = [];
    const receiver = ways.process();
    receiver.start("there", async (id, envelope) => received.push([id, envelope]) > 0);
    const path = await ways.sender("there");
    expect(await path.send("there", "one", ended("s-1"))).toBe("taken");
    expect(received.at(-1)).toEqual(["one", ended("s-1")]);
    expect(receiver.healthy).toBe(true);
    expect(path.healthy).toBe(false);
  });

  it("hands messages on in their order, and none waits for another to end", async () => {
    const { path: receiver } = await ways.instance("there");
    const path = await ways.sender("there");
    const atWork = Promise.withResolvers<boolean>();
    const seen: string[] = [];
    receiver.start("there", async (id) => {
      seen.push(id);
      return id === "0" ? atWork.promise : true;
    });
    const first = path.send("there", "0", ended());
    await vi.waitUntil(() => seen.length === 1);
    for (const id of ["1", "2", "3"]) expect(await path.send("there", id, ended())).toBe("taken");
    expect(seen).toEqual(["0", "1", "2", "3"]);
    atWork.resolve(true);
    await first;
  });

  it("is refused at once where nobody reads", async () => {
    await ways.instance("here");
    const path = await ways.sender("here");
    const { result, ms } = await timed(path.send("nobody", "one", ended()));
    expect(result).toBe("refused");
    expect(ms).toBeLessThan(150);
  });

  it("is not for what is large: that goes through the inbox", async () => {
    const { arrivals } = await ways.instance("there");
    const path = await ways.sender("there");
    expect(await path.send("there", "one", ended("x".repeat(600_000)))).toBe("refused");
    expect(arrivals.ids).not.toContain("one");
  });

  it("does not know what became of a message whose acknowledgement is lost", async () => {
    const { path: receiver } = await ways.instance("there");
    const path = await ways.sender("there");
    const received: string[] = [];
    receiver.start("there", async (id) => {
      received.push(id);
      // The stream on which its sender waits to be told.
      const keys = z.array(z.string()).parse(await ways.server.command("KEYS", "relay:*"));
      await ways.server.command("DEL", ...keys.filter((key) => key !== "relay:there"));
      return true;
    });
    const { result, ms } = await timed(path.send("there", "one", ended()));
    expect(result).toBe("unknown");
    expect(ms).toBeLessThan(AT_MOST_MS);
    expect(received).toEqual(["one"]);
  });

  it.each([
    ["has lost its lease", () => false],
    [
      "cannot say, for storage is away",
      () => {
        throw new StorageUnavailable("away");
      },
    ],
  ])("is not told that a message was taken by an instance that %s", async (_, answer) => {
    const { arrivals } = await ways.instance("there");
    const path = await ways.sender("there");
    arrivals.answer = answer;
    expect(await path.send("there", "one", ended())).toBe("unknown");
    expect(arrivals.ids).toContain("one");
    expect(ways.events("relayed-message-failed")).toBe(0);
  });

  it("follows an instance that goes on under another id", async () => {
    const { path: receiver, arrivals } = await ways.instance("first");
    receiver.start("second", arrivals.receive);
    const path = await ways.sender("second");
    expect(await path.send("second", "one", ended())).toBe("taken");
    expect(arrivals.ids).toContain("one");
  });

  it("takes no copy of an entry that is old, and none that was made for another place", async () => {
    const one = await ways.instance("one");
    const other = await ways.instance("other");
    const path = await ways.sender("one");
    const commands = await ways.server.monitor();
    expect(await path.send("one", "original", ended())).toBe("taken");
    const entry = /"id" "original" "from" "([^"]+)" "body" "([^"]+)"/;
    await vi.waitUntil(() => commands.some((line) => entry.test(line)));
    const [, from = "", body = ""] = entry.exec(commands.join()) ?? [];
    const copy = async (to: string, id: string) => {
      await ways.server.command("XADD", `relay:${to}`, "*", "id", id, "from", from, "body", body);
      await vi.waitUntil(async () => (await ways.server.command("XLEN", `relay:${to}`)) === 0);
      // Read after it, and in order.
      await vi.waitUntil(async () => (await path.send(to, "after", ended())) === "taken");
    };
    const received = ({ arrivals }: typeof one) =>
      arrivals.ids.filter((id) => id !== "warm" && id !== "after");

    await copy("other", "original");
    await copy("one", "another-id");
    expect([...received(one), ...received(other)]).toEqual(["original"]);
    // So fresh a copy is for the relay to know: it remembers the ids.
    await copy("one", "original");
    expect(received(one)).toEqual(["original", "original"]);
    ways.clock.advance({ seconds: 301 });
    await copy("one", "original");
    expect(received(one)).toHaveLength(2);
    expect(ways.events("relayed-message-unreadable")).toBe(3);
  });

  it("leaves nothing readable in Redis, and nothing at all that was taken", async () => {
    await ways.instance("there");
    const path = await ways.sender("there");
    const commands = await ways.server.monitor();
    expect(await path.send("there", "one", ended("secret-session"))).toBe("taken");
    await vi.waitUntil(() => commands.some((line) => line.includes(`"taken"`)));
    expect(commands.join("\n")).toContain("relay:there");
    expect(commands.join("\n")).not.toMatch(/secret-session|session-ended/);
    await vi.waitUntil(async () => (await ways.server.command("XLEN", "relay:there")) === 0);
    expect(await ways.server.command("TTL", "relay:there")).toBeGreaterThan(0);
  });

  it("leaves no connection behind when it stops, and says nothing of an outage", async () => {
    const { path: receiver } = await ways.instance("there");
    const path = await ways.sender("there");
    ways.end();
    await vi.waitUntil(async () => {
      const clients = String(await ways.server.command("CLIENT", "LIST"));
      return clients.trim().split("\n").length === 1;
    });
    expect(await path.send("there", "two", ended())).toBe("refused");
    expect(receiver.healthy).toBe(false);
    expect(ways.log).toEqual([]);
  });
});
