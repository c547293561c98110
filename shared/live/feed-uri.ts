/** What a topic may be called: safe in a URI and in a table key. */
export const TOPIC = /^[A-Za-z0-9][\w.-]{0,63}$/;

export const FEED_URI_TEMPLATE = "feed://{topic}";

/** @returns The URI of a topic's resource. */
export function feedUri(topic: string): string {
  return `feed://${topic}`;
}
