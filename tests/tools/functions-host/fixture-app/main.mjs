/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access,
   typescript/no-unsafe-argument, typescript/no-unsafe-return, typescript/no-misused-promises,
   typescript/no-unsafe-type-assertion, typescript/restrict-template-expressions -- JavaScript, as an app may be */
import { subscribe } from "node:diagnostics_channel";
import { setTimeout as delay } from "node:timers/promises";
import { app } from "@azure/functions";

// An app that shows what reaches it. It is run by the tests of the local Functions host, and nothing else.

app.setup({ enableHttpStream: true });

/** What happened, for `GET /events`. */
const events = [];
const responses = new Map();
const openStreams = new Set();

subscribe("http.server.request.start", ({ request, response }) => {
  const id = request.headers["x-ms-invocation-id"];
  responses.set(id, response);
  const started = performance.now();
  response.on("close", () => {
    const { writableEnded } = response;
    events.push({ type: "close", id, writableEnded, afterMs: performance.now() - started });
  });
});

app.hook.appStart(() => console.log("appStart ran"));
app.hook.preInvocation((context) => {
  if (context.invocationContext.functionName === "hooked") {
    context.hookData.seen = "before";
    const handler = context.functionHandler;
    context.functionHandler = (...args) => handler(...args);
  }
});
app.hook.postInvocation((context) => {
  if (context.invocationContext.functionName === "hooked") {
    context.result = { body: `${context.result.body} after ${context.hookData.seen}` };
  }
});
app.hook.log((context) => {
  if (context.category === "user") context.message = context.message.replace("secret", "***");
});
app.hook.appTerminate(async () => {
  console.log(`appTerminate ran in ${process.env.WEBSITE_POD_NAME}`);
  if (process.env.HANG_AT_END === "true") await new Promise(() => undefined);
  for (const end of openStreams) end();
  await delay(20);
  setTimeout(() => console.log("ran after its end"), 1);
});
process.on("SIGTERM", () => console.log("SIGTERM reached the code"));
process.on("SIGINT", () => console.log("SIGINT reached the code"));

app.http("inspect", {
  methods: ["GET", "POST", "PUT", "DELETE"],
  route: "inspect/{first}/{*rest}",
  handler: async (request, context) => ({
    jsonBody: {
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      params: request.params,
      query: Object.fromEntries(request.query),
      body: await request.text(),
      invocationId: context.invocationId,
      trigger: context.options.trigger,
      traceParent: context.traceContext.traceParent,
      forwarded: Object.fromEntries(
        Object.entries(responses.get(context.invocationId).req.headers).filter(([name]) =>
          /^x-forwarded|^x-ms-invocation/.test(name),
        ),
      ),
    },
  }),
});
app.http("events", { methods: ["GET"], handler: () => ({ jsonBody: events }) });
app.http("pod", {
  methods: ["GET"],
  handler: () => ({
    jsonBody: {
      pod: process.env.WEBSITE_POD_NAME,
      pid: process.pid,
      setting: process.env.FIXTURE_SETTING,
      cwd: process.cwd(),
    },
  }),
});
// Registered against the alphabet: the one whose name comes first answers nevertheless.
app.http("z-specific", {
  methods: ["GET"],
  route: "order/special",
  handler: () => ({ body: "z" }),
});
app.http("A-generic", { methods: ["GET"], route: "order/{any}", handler: () => ({ body: "A" }) });
app.http("root", {
  methods: ["GET"],
  route: "{ignored:maxlength(0)?}",
  handler: () => ({ body: "the app's root" }),
});
app.http("builtin", { methods: ["GET"], route: "administration", handler: () => ({ body: "no" }) });

app.http("stream", {
  methods: ["GET"],
  handler: (_request, context) => {
    let end;
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`${context.invocationId}\n`));
        end = () => {
          openStreams.delete(end);
          controller.enqueue(new TextEncoder().encode("bye\n"));
          controller.close();
        };
        openStreams.add(end);
      },
    });
    return { headers: { "content-type": "text/event-stream" }, body };
  },
});
app.http("flood", {
  methods: ["GET"],
  handler: (_request, context) => {
    const chunk = new Uint8Array(1_048_576);
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(chunk);
        sent += 1;
        if (sent < 64) return;
        controller.close();
        const backlog = responses.get(context.invocationId).writableLength;
        events.push({ type: "flooded", id: context.invocationId, backlog });
      },
    });
    return { body, headers: { "x-id": context.invocationId } };
  },
});
app.http("upload", {
  methods: ["POST"],
  handler: async (request, context) => {
    try {
      return { body: String((await request.arrayBuffer()).byteLength) };
    } catch (error) {
      const reasons = [error.message, error.cause?.message].join(" ");
      events.push({ type: "upload failed", id: context.invocationId, reasons });
      throw error;
    }
  },
});
app.http("refuse", {
  methods: ["POST"],
  handler: () => ({ status: 413, body: "too large" }),
});
app.http("throws", {
  methods: ["GET"],
  handler: (_request, context) => {
    events.push({ type: "threw", id: context.invocationId });
    throw new Error("thrown by the handler");
  },
});
app.http("cookies", {
  methods: ["GET"],
  handler: (request) => {
    if (request.query.has("listed")) {
      return {
        cookies: [
          { name: "a", value: "1" },
          { name: "b", value: "2" },
        ],
      };
    }
    const headers = new Headers();
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    return { headers };
  },
});
app.http("redirect", {
  methods: ["GET"],
  handler: () => ({ status: 302, headers: { location: "https://example.com/?a=%2F" } }),
});
app.http("accepted", { methods: ["POST"], handler: () => ({ status: 202 }) });
app.http("headed", {
  methods: ["HEAD", "OPTIONS"],
  handler: (request) => ({
    status: request.method === "HEAD" ? 200 : 204,
    headers: { "x-method": request.method },
  }),
});
app.http("hooked", { methods: ["GET"], handler: () => ({ body: "result" }) });
app.http("chatty", {
  methods: ["GET"],
  handler: (_request, context) => {
    context.log("a secret\nof two lines");
    context.debug("not shown");
    console.log("plain output");
    return {};
  },
});
app.http("quiet", {
  methods: ["GET"],
  handler: (_request, context) => {
    context.warn("quiet warning");
    context.error("quiet error");
    return {};
  },
});
app.http("late", {
  methods: ["GET"],
  handler: () => {
    try {
      app.http("too-late", { handler: () => ({}) });
      return { body: "registered" };
    } catch (error) {
      return { body: error.message };
    }
  },
});

if (process.env.NO_TIMERS !== "true") {
  app.timer("tick", {
    schedule: "%TICK_SCHEDULE%",
    runOnStartup: true,
    handler: (timer, context) => {
      context.log(`tick in ${process.env.WEBSITE_POD_NAME} ${JSON.stringify(timer)}`);
    },
  });
  app.timer("broken", {
    schedule: "0 0 0 1 1 *",
    handler: () => {
      throw new Error("the timer failed");
    },
  });
}
