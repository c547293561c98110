/** What a tool shows and a prompt says, in the words of MCP (2025-11-25, content). Bytes are base64. */
export type Content =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly data: string; readonly mimeType: string }
  | { readonly type: "audio"; readonly data: string; readonly mimeType: string }
  | { readonly type: "resource"; readonly resource: ResourceContents };

/** A resource as it travels. */
export type ResourceContents =
  | { readonly uri: string; readonly mimeType: string; readonly text: string }
  | { readonly uri: string; readonly mimeType: string; readonly blob: string };

/** @returns Words to be shown. */
export function text(words: string): Content {
  return { type: "text", text: words };
}

/** @returns A picture to be shown. */
export function image(bytes: Uint8Array, mimeType: string): Content {
  return { type: "image", data: base64(bytes), mimeType };
}

/** @returns A sound to be played. */
export function audio(bytes: Uint8Array, mimeType: string): Content {
  return { type: "audio", data: base64(bytes), mimeType };
}

/** @returns A resource that travels with what is shown, so that the client need not read it. */
export function embedded(uri: string, mimeType: string, body: string | Uint8Array): Content {
  return { type: "resource", resource: resourceContents(uri, mimeType, body) };
}

/** Text of a kind of its own. */
export interface TypedText {
  readonly text: string;
  readonly mimeType: string;
}

/** @returns What a resource holds, text or bytes, as it travels. */
export function resourceContents(
  uri: string,
  mimeType: string,
  body: string | Uint8Array | TypedText,
): ResourceContents {
  if (typeof body === "string") return { uri, mimeType, text: body };
  return body instanceof Uint8Array
    ? { uri, mimeType, blob: base64(body) }
    : { uri, mimeType: body.mimeType, text: body.text };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
