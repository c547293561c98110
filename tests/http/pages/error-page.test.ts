import { expect, it } from "vitest";
import { errorPage } from "../../../shared/http/pages/error-page.ts";
import { textOf } from "./markup.ts";

it("tells what went wrong, what to do, and the reference that finds it in the logs", async () => {
  const response = errorPage(
    {
      status: 503,
      title: "Try again soon",
      message: "Signing in is not possible at the moment.",
      whatToDo: "Wait a minute.",
      requestId: "request-1",
    },
    { "Retry-After": "60" },
  );
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("60");
  const markup = await response.text();
  expect(markup).toContain("<title>Try again soon ·");
  expect(textOf(markup)).toContain(
    "Try again soon Signing in is not possible at the moment. What you can do Wait a minute.",
  );
  expect(textOf(markup)).toContain("(error 503): request-1");
});
