import { describe, expect, it } from "vitest";
import { matchUri } from "../../shared/features/uri-template.ts";

describe("a URI read by a template (RFC 6570, simple expansion)", () => {
  it.each([
    ["feed://{topic}", "feed://news", { topic: "news" }],
    ["feed://{topic}", "feed://road%20works", { topic: "road works" }],
    ["feed://{topic}", "feed://a%2Fb", { topic: "a/b" }],
    ["x://{id}/data", "x://7/data", { id: "7" }],
    ["x://{a}/{b}", "x://1/2", { a: "1", b: "2" }],
    ["x://a.b/{c}", "x://a.b/1", { c: "1" }],
  ])("%s and %s", (template, uri, variables) => {
    expect(matchUri(template, uri)).toEqual(variables);
  });

  it.each([
    ["feed://{topic}", "feed://"],
    ["feed://{topic}", "feed://a/b"],
    ["feed://{topic}", "feed://a?b"],
    ["feed://{topic}", "feed://%"],
    ["feed://{topic}", "xfeed://news"],
    ["x://{id}/data", "x://7/data/more"],
    ["x://a.b/{c}", "x://a-b/1"],
  ])("%s has nothing to do with %s", (template, uri) => {
    expect(matchUri(template, uri)).toBeUndefined();
  });
});
