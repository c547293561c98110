import { expect, it } from "vitest";
import { freePort } from "../../tools/stack/ports.ts";

it("free ports are outside of the range from which outgoing connections take theirs", async () => {
  for (let n = 0; n < 20; n++) expect(await freePort()).toBeLessThan(32_768);
});
