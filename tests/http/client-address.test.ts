import { describe, expect, it } from "vitest";
import { clientAddress } from "../../shared/http/client-address.ts";

const read = (value: string | string[], header?: string) =>
  clientAddress({ headersDistinct: { "client-ip": [value].flat() } }, header);

describe("the address of a caller", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["203.0.113.7:50123", "203.0.113.7"],
    ["198.51.100.1, 203.0.113.7:443", "203.0.113.7"],
    [["198.51.100.1", "203.0.113.7"], "203.0.113.7"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
  ])("is the last hop of %j without its port", (value, address) => {
    expect(read(value, "client-ip")).toBe(address);
  });

  it.each(["", "unknown", "203.0.113", "203.0.113.7, ", "[::1", "host.example"])(
    "is not sure where the header says %j",
    (value) => {
      expect(read(value, "client-ip")).toBeUndefined();
    },
  );

  it("is not sure where no header can be trusted, or another one", () => {
    expect(read("203.0.113.7")).toBeUndefined();
    expect(read("203.0.113.7", "x-azure-clientip")).toBeUndefined();
  });
});
