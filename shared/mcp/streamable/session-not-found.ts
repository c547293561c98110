import { HttpError } from "../../http/errors.ts";

/** MCP 2025-11-25, Streamable HTTP, session management: the client begins a new session. */
export class SessionNotFound extends HttpError {
  override name = "SessionNotFound";

  constructor() {
    super(404, "There is no such session of yours. Begin a new one with initialize.");
  }
}
