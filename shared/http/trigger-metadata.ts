import type { IncomingMessage } from "node:http";
import { peekExchange } from "./exchanges.ts";

/** What the host sends to the worker beside a request. Of its many kinds of value these occur here. */
type TriggerMetadata = Record<string, { readonly string?: unknown; readonly json?: unknown }>;

/** What the worker makes of one call of the host's (`CoreInvocationContext` of the worker). */
export interface CoreInvocation {
  readonly invocationId: string;
  readonly request: { triggerMetadata?: TriggerMetadata | null };
  readonly metadata: { readonly bindings?: Record<string, { readonly type?: unknown }> | null };
  log(level: "warning", category: "user", message: string): void;
}

/** How a library turns calls of the host's into calls of handlers, for the worker to use. */
export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(invocation: CoreInvocation): InvocationModel;
  getCapabilities?(capabilities: object): unknown;
}

interface InvocationModel {
  getArguments(): unknown;
  invokeFunction(context: unknown, inputs: unknown[], handler: unknown): unknown;
  getResponse(context: unknown, result: unknown): unknown;
}

/** What the product reads: whoever writes headers into the metadata is after one of these. */
const TELLTALE = ["authorization", "content-type", "cookie", "host", "origin", "sec-fetch-site"];

/**
 * Takes the trigger metadata of HTTP requests away from the library. The host writes each query parameter and each
 * member of a JSON body into it, and the real headers only where that left the name `Headers` free; the library makes
 * a request of it before any handler runs, and throws, without an answer to the caller, where a name or value is none
 * that a header may have. Nothing of it is needed here: see `wire-request.ts`.
 *
 * @param onHeadersWritten Told of each request in which a parameter or member stood where the headers should.
 * @returns The same model in all else.
 */
export function withoutTriggerMetadata(
  model: ProgrammingModel,
  onHeadersWritten: (invocation: CoreInvocation) => void,
): ProgrammingModel {
  return {
    name: model.name,
    version: model.version,
    getCapabilities: (capabilities) => model.getCapabilities?.(capabilities) ?? capabilities,
    getInvocationModel(core) {
      if (!isHttp(core)) return model.getInvocationModel(core);
      const { invocationId, request } = core;
      const written = request.triggerMetadata ?? {};
      request.triggerMetadata = {};
      const invocation = model.getInvocationModel(core);
      return {
        getArguments: () => invocation.getArguments(),
        invokeFunction(context, inputs, handler) {
          const message = peekExchange(invocationId)?.message;
          if (message !== undefined && headersWritten(written, message)) {
            onHeadersWritten(core);
          }
          return invocation.invokeFunction(context, inputs, handler);
        },
        getResponse: (context, result) => invocation.getResponse(context, result),
      };
    },
  };
}

function isHttp({ metadata }: CoreInvocation): boolean {
  const bindings = Object.values(metadata.bindings ?? {});
  return bindings.some(({ type }) => String(type).toLowerCase() === "httptrigger");
}

/** Whether the metadata has something else for headers than what came over the wire. */
function headersWritten(metadata: TriggerMetadata, message: IncomingMessage): boolean {
  const name = Object.keys(metadata).find((key) => key.toLowerCase() === "headers");
  if (name === undefined) return false;
  const headers = record(metadata[name]?.json);
  if (name !== "Headers" || headers === undefined) return true;
  const claimed = new Map(
    Object.entries(headers).map(([header, value]) => [header.toLowerCase(), value]),
  );
  return TELLTALE.some((header) => claimed.get(header) !== onTheWire(message, header));
}

function onTheWire({ headersDistinct }: IncomingMessage, header: string): string | undefined {
  return headersDistinct[header === "host" ? "x-forwarded-host" : header]?.join(",");
}

function record(json: unknown): object | undefined {
  try {
    const value: unknown = JSON.parse(String(json));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
