import { app } from "@azure/functions";
import { getApp } from "../shared/app.ts";
import { jsonLog } from "../shared/log.ts";

/**
 * Every five minutes, on an instance of its own that holds no streams: rotates keys, removes what has ended,
 * and looks after watches.
 */
app.timer("maintenance", {
  schedule: "0 */5 * * * *",
  handler: async (_timer, invocation) => {
    const server = await getApp();
    await server.maintain(jsonLog((level, line) => invocation[level](line)));
  },
});
