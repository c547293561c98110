import { createRequire } from "node:module";
import type { HttpMethod, HttpResponseInit, InvocationContext } from "@azure/functions";
import { type App, getApp } from "../app.ts";
import { jsonLog, type LogLevel } from "../log.ts";
import { clientAddress } from "./client-address.ts";
import { clientConnection } from "./client-connection.ts";
import { takeExchange } from "./exchanges.ts";
import { toFunctionsResponse } from "./functions-response.ts";
import { type ProgrammingModel, withoutTriggerMetadata } from "./trigger-metadata.ts";
import { wireRequest } from "./wire-request.ts";

/** A method that a trigger does not list is a bare 404 of the host's: every endpoint answers for itself. */
export const everyMethod: HttpMethod[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
];

/** What the worker provides under the name of a package, as far as it is used here. */
interface CoreApi {
  getProgrammingModel(): ProgrammingModel;
  setProgrammingModel(model: ProgrammingModel): void;
}

/**
 * Puts one of the app's handlers behind a Functions HTTP trigger. The library's own request is not looked at: any
 * caller can write its headers (docs/security.md).
 *
 * @param name The handler. It is looked up when a request comes, so that loading the functions stays cheap.
 */
export function functionsHandler(
  name: keyof App["handlers"],
): (request: unknown, invocation: InvocationContext) => Promise<HttpResponseInit> {
  return async (_request, invocation) => {
    const { invocationId: requestId } = invocation;
    const log = jsonLog((level, line) => invocation[level](line), { requestId });
    try {
      const exchange = takeExchange(requestId);
      if (exchange === undefined) throw new Error("the worker received no message for this call");
      const { message, response } = exchange;
      const { config, handlers } = await getApp();
      const answer = await handlers[name](wireRequest(message, config.baseUrl), {
        requestId,
        log,
        address: clientAddress(message, config.clientAddressHeader),
        ...clientConnection(response),
      });
      return toFunctionsResponse(answer);
    } catch (error) {
      // What is thrown here would leave the caller waiting for ever.
      log.error("request-not-served", error);
      return notServed(requestId);
    }
  };
}

/** Has the library make its requests without the trigger metadata. To be called when the functions are registered. */
export function discardTriggerMetadata(): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no package: the worker supplies it
  const core = createRequire(import.meta.url)("@azure/functions-core") as CoreApi;
  core.setProgrammingModel(
    withoutTriggerMetadata(core.getProgrammingModel(), (invocation) => {
      const write = (_level: LogLevel, line: string) => invocation.log("warning", "user", line);
      const log = jsonLog(write, { requestId: invocation.invocationId });
      log.warn("headers-ignored");
      void getApp().then(({ telemetry }) => telemetry.count("mcp.headers_ignored", {}));
    }),
  );
}

function notServed(requestId: string): HttpResponseInit {
  return {
    status: 503,
    headers: { "Retry-After": "5", "Cache-Control": "no-store", "X-Request-Id": requestId },
    jsonBody: {
      error: "temporarily_unavailable",
      error_description: `Something went wrong on the server. Try again. (request ${requestId})`,
    },
  };
}
