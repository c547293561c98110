import type { RequestContext } from "../../shared/http/context.ts";
import { jsonLog } from "../../shared/log.ts";
import { recorder } from "./redaction/recorder.ts";

/** A client that takes all that is sent to it, and whose going away would be seen. */
export const QUICK_READER = {
  seesDisconnect: true,
  backlog: () => 0,
  cut: () => undefined,
};

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
    ...QUICK_READER,
  };
  return { context, lines, disconnect: () => controller.abort() };
}
