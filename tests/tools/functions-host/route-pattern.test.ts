import { describe, expect, test } from "vitest";
import { compileRoute } from "../../../tools/functions-host/route-pattern.ts";

const GUID = "0f8fad5b-d9cb-469f-a165-70867728950e";

test.each([
  ["hello", "/HELLO", {}],
  ["hello", "/hello/", {}],
  ["hello/{name}", "/hello/a%2Fb", { name: "a%2Fb" }],
  ["hello/{name?}", "/hello", {}],
  ["hello/{name=you}", "/hello", { name: "you" }],
  ["files/{*rest}", "/files", {}],
  ["files/{*rest}", "/files/a/b/", { rest: "a/b/" }],
  ["files/{**rest}", "/files/a//b", { rest: "a//b" }],
  ["{a}-{b}", "/x-y-z", { a: "x-y", b: "z" }],
  ["v{version}/x", "/v2/x", { version: "2" }],
  ["{ignored:maxlength(0)?}", "/", {}],
  [".well-known/jwks.json", "/.well-known/jwks.json", {}],
])("%s matches %s", (template, path, values) => {
  expect(compileRoute(template)(path)).toEqual(values);
});

test.each([
  ["hello", "/"],
  ["hello", "/hello/more"],
  ["hello", "/hello//"],
  ["hello/{name}", "/hello"],
  ["hello/{name}", "/hello//"],
  ["hello/{name?}", "/hello/a/b"],
  ["{ignored:maxlength(0)?}", "/x"],
  ["{ignored:maxlength(0)?}", "//"],
  [".well-known/jwks.json", "/.well-known/jwksXjson"],
])("%s does not match %s", (template, path) => {
  expect(compileRoute(template)(path)).toBeUndefined();
});

describe("constraints", () => {
  test.each([
    ["int", "-12", "1.5"],
    ["int", "2147483647", "2147483648"],
    ["long", "9223372036854775807", "9223372036854775808"],
    ["double", "1.5e3", "x"],
    ["bool", "TRUE", "1"],
    ["datetime", "2026-11-21", "never"],
    ["guid", GUID, GUID.slice(1)],
    ["alpha", "aBc", "a1"],
    ["length(3)", "abc", "ab"],
    ["length(2,3)", "ab", "abcd"],
    ["minlength(2)", "ab", "a"],
    ["maxlength(2)", "ab", "abc"],
    ["min(3)", "3", "2"],
    ["max(3)", "3", "4"],
    ["range(3,4)", "4", "5"],
    [String.raw`regex(^\d{{3}}(a|b)$)`, "123A", "12a"],
    ["int:min(3)", "3", "2"],
  ])("%s takes %s and refuses %s", (constraint, good, bad) => {
    const match = compileRoute(`x/{value:${constraint}}`);
    expect(match(`/x/${good}`)).toEqual({ value: good });
    expect(match(`/x/${bad}`)).toBeUndefined();
  });
});

test.each(["/hello", "~/hello", "a//b", "{a", "a}", "x-{a?}", "{a:unheardof}", "{a:length}"])(
  "refuses the template %s",
  (template) => {
    expect(() => compileRoute(template)).toThrow();
  },
);
