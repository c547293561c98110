import { expect } from "vitest";
import { links, location } from "./user-agent.ts";

/** @returns The body of a JSON answer. */
export async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  return (await response.json()) as Record<string, unknown>;
}

/** @returns Status and error code of a refusal, as in `400 invalid_grant`. */
export async function refusalOf(response: Response): Promise<string> {
  const { error } = await jsonOf(response);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return `${response.status} ${String(error)}`;
}

/** Expects a page for a person, which sends nobody anywhere. @returns Its markup. */
export async function expectPage(response: Response, status: number): Promise<string> {
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("location")).toBeNull();
  const markup = await response.text();
  expect(markup).toContain("<h1>");
  return markup;
}

/** @returns What a redirect to the client's URI carries. */
export function answerTo(client: string, response: Response): Record<string, string> {
  const target = location(response);
  expect(target.href.startsWith(`${client}?`)).toBe(true);
  return Object.fromEntries(target.searchParams);
}

/** Expects a page that says a fault, and leaves it to the person to go on. @returns What the link to the client's URI carries. */
export async function answerOnPage(
  client: string,
  response: Response,
): Promise<Record<string, string>> {
  const [wayBack, ...others] = links(await expectPage(response, 400));
  expect(wayBack?.href.startsWith(`${client}?`)).toBe(true);
  expect(others).toEqual([]);
  return Object.fromEntries(wayBack?.searchParams ?? []);
}
