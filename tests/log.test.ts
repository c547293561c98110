import { describe, expect, it } from "vitest";
import { jsonLog } from "../shared/log.ts";

function recording(always = {}) {
  const lines: [level: string, line: Record<string, unknown>][] = [];
  const log = jsonLog((level, line) => {
    lines.push([level, JSON.parse(line) as Record<string, unknown>]);
  }, always);
  return { log, lines };
}

describe("the log", () => {
  it("writes one line of JSON an event, with its level", () => {
    const { log, lines } = recording();
    log.info("signed-in", { session: "s1", first: true, n: 1 });
    log.warn("odd");
    expect(lines).toEqual([
      ["info", { event: "signed-in", session: "s1", first: true, n: 1 }],
      ["warn", { event: "odd" }],
    ]);
  });

  it("adds the fields of its request to every line", () => {
    const { log, lines } = recording({ requestId: "r1" });
    log.info("a");
    log.error("b", new Error("x"));
    expect(lines.map(([, line]) => line["requestId"])).toEqual(["r1", "r1"]);
  });

  it("leaves out what is undefined", () => {
    const { log, lines } = recording();
    log.info("a", { gone: undefined });
    expect(lines).toEqual([["info", { event: "a" }]]);
  });

  it("writes an error with its stack and all of its causes", () => {
    const { log, lines } = recording();
    const root = new Error("root");
    log.error("failed", new TypeError("outer", { cause: new Error("middle", { cause: root }) }));
    const fault = String(lines[0]?.[1]["fault"]);
    expect(fault).toMatch(/^TypeError: outer\n[^]*log\.test/);
    expect(fault).toMatch(/caused by Error: middle[^]*caused by Error: root/);
  });

  it("writes what is thrown without being an error", () => {
    const { log, lines } = recording();
    log.error("failed", "just text", { n: 1 });
    log.error("failed", undefined);
    expect(lines).toEqual([
      ["error", { event: "failed", n: 1, fault: "just text" }],
      ["error", { event: "failed", fault: "undefined" }],
    ]);
  });

  it("keeps a value with line breaks on its line: nobody can forge an entry", () => {
    const written: string[] = [];
    const log = jsonLog((_, line) => written.push(line));
    log.info("registered", { client: 'x"}\n{"event":"forged"}' });
    expect(written).toHaveLength(1);
    expect(written[0]).not.toContain("\n");
  });
});
