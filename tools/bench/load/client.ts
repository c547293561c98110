/** A client that calls the tool `echo`, one call at a time. */
export interface LoadClient {
  /**
   * Calls the tool and waits for its answer.
   *
   * @throws Error where it is not the right one.
   */
  call(text: string): Promise<void>;
  close(): void;
}

/** Where a client goes, and as whom. */
export interface LoadTarget {
  /** Where its stream is opened, if it has one. */
  readonly streamUrl: string;
  /** Where its calls are posted. */
  readonly postUrl: string;
  /** A bearer token; none for a server that asks for none. */
  readonly token?: string | undefined;
}

/** @returns The header lines with which a client says who it is. */
export function authorization(token: string | undefined): string {
  return token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
}

/** @returns The call as JSON-RPC. */
export function echoCall(id: number, text: string, meta = ""): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"text":"${text}"}${meta}}}`;
}

/** @throws Error where `json` is not the answer to `echoCall(id, text)`. */
export function requireEcho(json: string, id: number, text: string): void {
  const answer = JSON.parse(json) as {
    id?: number;
    result?: { structuredContent?: { text?: string } };
  };
  if (answer.id !== id || answer.result?.structuredContent?.text !== text) {
    throw new Error(`wrong answer to call ${id} with ${text}: ${json}`);
  }
}
