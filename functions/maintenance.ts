import { app } from "@azure/functions";
import { getApp } from "../shared/app.ts";
import { jsonLog } from "../shared/log.ts";

/** Every hour, on an instance of its own that holds no streams: rotates keys and removes what has ended. */
app.timer("maintenance", {
  schedule: "0 5 * * * *",
  handler: async (_timer, invocation) => {
    const server = await getApp();
    await server.maintain(jsonLog((level, line) => invocation[level](line)));
  },
});
