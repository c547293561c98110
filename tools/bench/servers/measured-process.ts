import { profile, type Profile } from "./profile.ts";

/** What a process holds, after a collection (bytes). */
export interface Memory {
  readonly heapUsed: number;
  /** Buffers outside of the heap. */
  readonly external: number;
  readonly rss: number;
}

let used = process.cpuUsage();

/** Commands that every server under measurement has. Its process needs `--expose-gc`. */
export const measuredProcess = {
  async memory(): Promise<Memory> {
    // Twice: what finalizers let go of is collected by the second.
    for (let n = 0; n < 2; n++) {
      globalThis.gc?.();
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heapUsed, external, rss };
  },

  /** @returns The processor time that the process has used, since it was asked last (ms). */
  async processorTime(): Promise<number> {
    const { user, system } = process.cpuUsage(used);
    used = process.cpuUsage();
    return (user + system) / 1000;
  },

  profile: ({ ms }: { ms: number }): Promise<Profile> => profile(ms),
};
