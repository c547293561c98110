import { expect, it } from "vitest";
import { donePage } from "../../../shared/http/pages/done-page.ts";
import { textOf } from "./markup.ts";

it("says what is done and that the window can be closed", async () => {
  const response = donePage(
    { title: "You are signed out", message: "The app has no access any more." },
    { "Set-Cookie": "a=; Max-Age=0" },
  );
  expect(response.status).toBe(200);
  expect(response.headers.getSetCookie()).toEqual(["a=; Max-Age=0"]);
  expect(textOf(await response.text())).toContain(
    "You are signed out The app has no access any more. You can close this window.",
  );
});
