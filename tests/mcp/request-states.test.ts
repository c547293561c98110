import { describe, expect, it } from "vitest";
import { RequestStates, type StatefulRequest } from "../../shared/mcp/request-states.ts";
import { createSessionParts } from "../support/parts.ts";

const parts = createSessionParts();
const states = new RequestStates(parts);
const session = parts.session();
const request: StatefulRequest = {
  session,
  method: "tools/call",
  name: "order",
  input: { dish: "soup", extras: { salt: 1, bread: 2 } },
};

describe("the state of a call between its rounds", () => {
  it("opens for the same request, on any instance, in whatever order its members are written", async () => {
    const sealed = await states.seal(request, { step: 2 });
    const elsewhere = new RequestStates(createSessionParts({ store: parts.store }));
    const again = { ...request, input: { extras: { bread: 2, salt: 1 }, dish: "soup" } };
    expect(await elsewhere.open(again, sealed)).toEqual({ step: 2 });
  });

  it.each<[string, Partial<StatefulRequest>]>([
    ["another person", { session: { ...session, userKey: "bob" } }],
    ["another client", { session: { ...session, clientId: "client-2" } }],
    ["another session", { session: { ...session, id: "s2" } }],
    ["another feature", { name: "pay" }],
    ["another method", { method: "prompts/get" }],
    ["other arguments", { input: { dish: "steak", extras: { salt: 1, bread: 2 } } }],
    ["arguments in another place", { input: { dish: "soup", salt: 1, bread: 2 } }],
  ])("does not open for %s", async (_, change) => {
    const sealed = await states.seal(request, 1);
    const attempt = states.open({ ...request, ...change }, sealed);
    await expect(attempt).rejects.toMatchObject({ name: "StateInvalid", code: -32_602 });
  });

  it.each(["", "x", "a.b.c.d", "null"])("does not open what is not ours: %j", async (sealed) => {
    await expect(states.open(request, sealed)).rejects.toMatchObject({ name: "StateInvalid" });
  });

  it("does not open after ten minutes", async () => {
    const sealed = await states.seal(request, 1);
    parts.clock.advance({ seconds: 599 });
    expect(await states.open(request, sealed)).toBe(1);
    parts.clock.advance({ seconds: 1 });
    await expect(states.open(request, sealed)).rejects.toMatchObject({ name: "StateInvalid" });
  });
});
