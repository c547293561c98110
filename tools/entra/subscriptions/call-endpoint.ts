import { isLoopback } from "../loopback.ts";
import type { Wait } from "../wait.ts";

const ENOUGH_CHARACTERS = 4096;

/** What an endpoint answered, of a long text the beginning; or that it did not. */
export type EndpointAnswer =
  | { readonly status: number; readonly contentType: string; readonly text: string }
  | "timeout"
  | "unreachable";

/** Whether the stand-in may call a URL: plain http on loopback, where the real Graph wants https on the internet. */
export function isCallable(url: URL): boolean {
  return url.protocol === "http:" && isLoopback(url.hostname) && !url.username && !url.password;
}

/**
 * Posts to an endpoint of a subscriber; follows no redirect, which could lead elsewhere.
 *
 * @param timeoutMs how long it may take until the answer is complete
 * @param signal calls it off, if given
 * @throws Error for a URL that may not be called
 */
export async function callEndpoint(
  wait: Wait,
  url: URL,
  message: { contentType: string; body: string },
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<EndpointAnswer> {
  if (!isCallable(url)) {
    throw new Error("The stand-in calls http on loopback only.");
  }
  const late = new AbortController();
  const done = new AbortController();
  void wait(timeoutMs, done.signal).then((passed) => passed && late.abort());
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": message.contentType },
      body: message.body,
      redirect: "manual",
      signal: AbortSignal.any(signal ? [late.signal, signal] : [late.signal]),
    });
    return {
      status: response.status,
      contentType: response.headers.get("content-type") ?? "",
      text: await beginningOf(response),
    };
  } catch {
    return late.signal.aborted ? "timeout" : "unreachable";
  } finally {
    done.abort();
  }
}

async function beginningOf(response: Response): Promise<string> {
  let text = "";
  if (response.body) {
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.length > ENOUGH_CHARACTERS) {
        break;
      }
    }
  }
  return text;
}
