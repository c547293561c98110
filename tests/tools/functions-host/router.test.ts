import { expect, test } from "vitest";
import { createRouter } from "../../../tools/functions-host/router.ts";

const get = (name: string, route?: string, methods = ["GET"]) => ({ name, route, methods });

test("takes the first match in alphabetical order of function names, not the most specific", () => {
  const { route } = createRouter([get("b", "x/fixed"), get("A", "x/{any}")], "");
  expect(route("GET", "/x/fixed")).toEqual({ functionName: "A", params: { any: "fixed" } });
});

test("goes on to the next function when a method is not listed", () => {
  const { route } = createRouter([get("a", "x/{any}", ["post"]), get("b", "x/{any}")], "");
  expect(route("GET", "/x/1")?.functionName).toBe("b");
  expect(route("POST", "/x/1")?.functionName).toBe("a");
  expect(route("HEAD", "/x/1")).toBeUndefined();
});

test("puts the prefix before every route, and takes the function's name for an empty one", () => {
  const { route } = createRouter([get("Hello", "")], "api");
  expect(route("GET", "/api/hello")?.functionName).toBe("Hello");
  expect(route("GET", "/hello")).toBeUndefined();
});

test("leaves out reserved routes, repeated routes and unreadable ones, and serves the others", () => {
  const { route, faults } = createRouter(
    [
      get("a", "Admin/x"),
      get("b", "runtimes"),
      get("c", "same/"),
      get("d", "SAME", ["GET", "POST"]),
      get("e", "same", ["PUT"]),
      get("f", "{broken"),
    ],
    "",
  );
  expect(faults.map(({ functionName }) => functionName)).toEqual(["a", "b", "d", "f"]);
  expect(route("PUT", "/same")?.functionName).toBe("e");
});
