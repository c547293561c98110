import { beforeEach, describe, expect, it } from "vitest";
import { Connections } from "../../shared/mcp/connections.ts";
import { FakeConnection } from "../support/fake-connection.ts";

const of = (id: string, userKey: string) => new FakeConnection(id, userKey, `session-of-${id}`);

let connections: Connections;
let [a, b, c]: FakeConnection[] = [];
beforeEach(() => {
  connections = new Connections();
  [a, b, c] = [of("a", "alice"), of("b", "alice"), of("c", "bob")];
  for (const connection of [a, b, c]) connections.add(connection);
});

describe("the streams of an instance", () => {
  it("are counted and found by id", () => {
    expect(connections.count).toBe(3);
    expect(connections.streams).toBe(3);
    expect(connections.get("b")).toBe(b);
    expect(connections.get("x")).toBeUndefined();
  });

  it("are found by person, and nobody else's", () => {
    expect(connections.of("alice")).toEqual([a, b]);
    expect(connections.of("carol")).toEqual([]);
  });

  it("are gone when they are removed; once more is fine", () => {
    connections.remove("a");
    connections.remove("a");
    expect(connections.count).toBe(2);
    expect(connections.of("alice")).toEqual([b]);
  });

  it("are all closed when the instance is about to go", async () => {
    await connections.closeAll("shutdown");
    expect([a, b, c].map((connection) => connection?.closed)).toEqual([1, 1, 1]);
  });
});
