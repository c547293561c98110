import { app } from "@azure/functions";

app.setup({ enableHttpStream: true });

/** What a function costs that does nothing: it answers as the tool `echo` does. */
app.http("trivial", {
  route: "trivial",
  methods: ["GET", "POST"],
  authLevel: "anonymous",
  handler: async (request) => {
    if (request.method === "GET") return { body: "ok" };
    const call = await request.text();
    // As much as a tool does, and no more: what it was given goes back.
    const id = /"id":(\d+)/.exec(call)?.[1] ?? "0";
    const given = /"arguments":({[^}]*})/.exec(call)?.[1] ?? "{}";
    return {
      headers: { "Content-Type": "application/json" },
      body: `{"jsonrpc":"2.0","id":${id},"result":{"structuredContent":${given}}}`,
    };
  },
});
