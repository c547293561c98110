import { app } from "@azure/functions";

app.setup({ enableHttpStream: true });

/** What a function costs that does nothing: it answers as the tool `echo` does. */
app.http("trivial", {
  route: "trivial",
  methods: ["GET", "POST"],
  authLevel: "anonymous",
  handler: async (request) => {
    if (request.method === "GET") return { body: "ok" };
    /** @type {{ id: number, params: { arguments: object } }} */
    const { id, params } = JSON.parse(await request.text());
    return { jsonBody: { jsonrpc: "2.0", id, result: { structuredContent: params.arguments } } };
  },
});
