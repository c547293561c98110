import { z } from "zod";

export type GraphErrorKind = "denied" | "not-found" | "unauthorized" | "busy" | "unexpected";

/** Microsoft Graph did not do what was asked. The message is for the person. */
export class GraphError extends Error {
  override name = "GraphError";
  readonly kind: GraphErrorKind;

  constructor(kind: GraphErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** What of Graph's errors the log may hold: the message beside it can name people and what is theirs. */
const graphFault = z.object({
  error: z.object({
    code: z.string().regex(/^[\w.]{1,100}$/),
    innerError: z.object({ "request-id": z.guid() }).optional(),
  }),
});

/** @returns Graph's code, and the id under which Microsoft finds the request. */
function faultOf(body: string): string {
  try {
    const { code, innerError } = graphFault.parse(JSON.parse(body)).error;
    return innerError === undefined ? code : `${code}, request ${innerError["request-id"]}`;
  } catch {
    return "an answer that is not known";
  }
}

/** @param body Of an answer that is no success. */
export function toGraphError(status: number, body: string): GraphError {
  const options = { cause: new Error(`Graph ${status}: ${faultOf(body)}`) };
  switch (status) {
    case 401:
      return new GraphError(
        "unauthorized",
        "Microsoft Graph did not accept the sign-in. Disconnect and sign in again.",
        options,
      );
    case 403:
      return new GraphError("denied", "Microsoft Graph does not allow this for you.", options);
    case 404:
      return new GraphError("not-found", "Microsoft Graph found nothing there.", options);
    case 429:
    case 502:
    case 503:
    case 504:
      return new GraphError("busy", "Microsoft Graph is busy. Try again in a moment.", options);
    default:
      return new GraphError("unexpected", "Microsoft Graph could not do this.", options);
  }
}
