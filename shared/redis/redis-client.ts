import type { RedisClientOptions } from "@redis/client";
// Not the front door of the library, which brings clusters and sentinels along: 80 KB.
import library from "@redis/client/dist/lib/client/index.js";

export type RedisClient = ReturnType<typeof createRedisClient>;

/** The one place that loads the library. It is bundled apart: see `tools/build-package.ts`. */
export function createRedisClient(options: RedisClientOptions) {
  // The library writes into the options that it is given.
  return library.default.create({ ...options, socket: { ...options.socket } });
}
