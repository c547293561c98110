import { FEED_URI_TEMPLATE, feedUri } from "../live/feed-uri.ts";
import type { ResourceTemplate } from "./feature.ts";

/** What other systems publish: see `POST /publish`. */
export const feedResources: ResourceTemplate = {
  uriTemplate: FEED_URI_TEMPLATE,
  name: "feed",
  title: "Feeds",
  description:
    "The last value of a topic that another system publishes, JSON or text. Subscribers are told of each change.",
  mimeType: "application/json",
  requires: "mcp",
  complete: {
    topic: async (typed, { feeds }) =>
      (await feeds.topics()).filter((topic) => topic.startsWith(typed)),
  },
  list: async ({ feeds }) =>
    (await feeds.topics()).map((topic) => ({ uri: feedUri(topic), name: topic })),
  read: ({ topic = "" }, { feeds }) => feeds.read(topic),
};
