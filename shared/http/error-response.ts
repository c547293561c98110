import { EntraError } from "../entra/entra.ts";
import { KeysUnavailable } from "../keys/key-wrapper.ts";
import { OAuthError } from "../oauth/oauth-error.ts";
import { StorageUnavailable } from "../storage/store.ts";
import type { RequestContext } from "./context.ts";
import { HttpError, NotJson, PageError } from "./errors.ts";
import { errorPage } from "./pages/error-page.ts";

/** Who reads the answers of an endpoint: a person, an OAuth client or an MCP client. */
export type Surface = "page" | "oauth" | "mcp";

/** JSON-RPC 2.0 §5.1 */
const JSON_RPC_PARSE_ERROR = -32_700;
const JSON_RPC_INVALID_REQUEST = -32_600;
const JSON_RPC_INTERNAL_ERROR = -32_603;

/** What the caller is told, whatever was thrown. */
interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly message: string;
  readonly whatToDo: string;
  readonly headers: Readonly<Record<string, string>>;
}

const UNANSWERABLE = {
  code: "invalid_request",
  title: "The request cannot be answered",
  whatToDo: "Go back to the app you came from and start again.",
  headers: {},
};

const FAULT_OF_OURS = {
  status: 503,
  // At the token endpoint every other code makes clients drop their tokens, and a fault of ours is no
  // reason to sign in again.
  code: "temporarily_unavailable",
  title: "That did not work",
  whatToDo: "Wait a moment and try again.",
  headers: { "Retry-After": "5" },
};

/**
 * Turns whatever a handler threw into an answer. Nothing but a message meant for the caller is in it; the
 * whole error goes to the log, where the request id finds it.
 */
export function errorResponse(
  error: unknown,
  surface: Surface,
  { requestId, log }: RequestContext,
): Response {
  const problem = describe(error);
  const { status, code } = problem;
  // Whoever gives the reference from a page or an answer is found in the log, whatever went wrong.
  if (status >= 500) log.error("request-failed", error, { status });
  else log.info("request-refused", { status, error: code, page: pageOf(error) });
  switch (surface) {
    case "page":
      return errorPage({ ...problem, requestId }, problem.headers);
    case "oauth":
      return Response.json(
        { error: problem.code, error_description: `${problem.message} (request ${requestId})` },
        { status: problem.status, headers: { ...problem.headers, "Cache-Control": "no-store" } },
      );
    case "mcp":
      return Response.json(
        {
          jsonrpc: "2.0",
          id: null,
          error: {
            code: jsonRpcCode(error, problem),
            message: problem.message,
            data: { requestId },
          },
        },
        { status: problem.status, headers: { ...problem.headers, "Cache-Control": "no-store" } },
      );
  }
}

/** Which of its pages a person was shown; everything else is told by status and code. */
function pageOf(error: unknown): string | undefined {
  return error instanceof PageError ? error.title : undefined;
}

function jsonRpcCode(error: unknown, { status }: Problem): number {
  if (error instanceof NotJson) return JSON_RPC_PARSE_ERROR;
  return status >= 500 ? JSON_RPC_INTERNAL_ERROR : JSON_RPC_INVALID_REQUEST;
}

function describe(error: unknown): Problem {
  if (error instanceof OAuthError) {
    const { status, code, message, headers } = error;
    return { ...UNANSWERABLE, status, code, message, headers };
  }
  if (error instanceof PageError) {
    const { status, title, message, whatToDo } = error;
    return { ...UNANSWERABLE, status, title, message, whatToDo };
  }
  if (error instanceof HttpError) {
    const { status, message, headers } = error;
    return { ...UNANSWERABLE, status, message, headers };
  }
  return { ...FAULT_OF_OURS, message: faultMessage(error) };
}

function faultMessage(error: unknown): string {
  if (error instanceof StorageUnavailable) return "The server cannot reach its storage right now.";
  if (error instanceof KeysUnavailable) return "The server cannot reach its keys right now.";
  if (error instanceof EntraError) return "The server cannot reach Microsoft Entra ID right now.";
  return "Something went wrong on the server.";
}
