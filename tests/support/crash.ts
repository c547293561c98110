import { vi } from "vitest";
import { health } from "./health.ts";
import type { LocalStack } from "./local-stack.ts";

/** Ends the instance as a crash does, and waits until the one that the host starts in its place answers. */
export async function crashAndRestart({ baseUrl, host }: LocalStack): Promise<void> {
  const { instance } = await health(baseUrl);
  await host.instances[0]?.kill("SIGKILL");
  await vi.waitFor(
    async () => {
      if ((await health(baseUrl)).instance === instance) throw new Error("still the old one");
    },
    { timeout: 15_000 },
  );
}
