import { app } from "@azure/functions";
import { getApp } from "../shared/app.ts";
import { discardTriggerMetadata } from "../shared/http/functions-adapter.ts";
import { connectHost } from "../shared/telemetry/functions-hooks.ts";
import "./account.ts";
import "./authorize.ts";
import "./callback.ts";
import "./consent.ts";
import "./health.ts";
import "./home.ts";
import "./jwks.ts";
import "./maintenance.ts";
import "./mcp.ts";
import "./message.ts";
import "./metadata.ts";
import "./notifications.ts";
import "./publish.ts";
import "./register.ts";
import "./revoke.ts";
import "./sse.ts";
import "./token.ts";

// Without it the library answers only when a handler is done, and a stream never is.
app.setup({ enableHttpStream: true });

// Callers can write it, and the library makes requests of it.
discardTriggerMetadata();

// A setting that is missing or contradictory stops the start, not the first request.
app.hook.appStart(async () => connectHost((await getApp()).telemetry));

// The host gives five seconds, and no signal.
app.hook.appTerminate(async () => (await getApp()).close());
