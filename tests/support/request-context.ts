import type { RequestContext } from "../../shared/http/context.ts";
import { jsonLog } from "../../shared/log.ts";
import { recorder } from "./redaction/recorder.ts";

/** A client that takes all that is sent to it, and whose going away would be seen. */
export const QUICK_READER = {
  backlog: () => 0,
  cut: () => undefined,
};

/** Where the callers of tests are. */
export const LOCAL_ADDRESS = "127.0.0.1";

/** The context of a call, with what it logged. */
export function createContext(requestId = "request-1") {
  const lines: string[] = [];
  const controller = new AbortController();
  const context: RequestContext = {
    requestId,
    log: jsonLog((level, line) => {
      lines.push(`${level} ${line}`);
      recorder.line(line);
    }),
    disconnected: controller.signal,
    address: LOCAL_ADDRESS,
    ...QUICK_READER,
  };
  return { context, lines, disconnect: () => controller.abort() };
}
