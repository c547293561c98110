import { expect, test } from "vitest";
import { decodePath, encodePath } from "../../../tools/functions-host/request-path.ts";

test.each([
  ["/plain", "/plain"],
  ["/a%20b/%C3%A9%e2%82%ac", "/a b/é€"],
  ["/a%2Fb/a%2fb", "/a%2Fb/a%2fb"],
  ["/%252F", "/%2F"],
  ["/%ff%zz/100%", "/%ff%zz/100%"],
  ["/a/./b/../c", "/a/c"],
  ["/../../x", "/x"],
  ["/a/..", "/"],
])("decodes %s as Kestrel does", (raw, decoded) => {
  expect(decodePath(raw)).toBe(decoded);
});

test("refuses an escaped null character", () => {
  expect(decodePath("/a%00b")).toBeUndefined();
});

test("escapes a percent sign again on the way to the worker, as YARP does", () => {
  expect(encodePath("/a%2Fb/c d/é?#!$&'()*+,;=:@-._~")).toBe(
    "/a%252Fb/c%20d/%C3%A9%3F%23!$&'()*+,;=:@-._~",
  );
});
