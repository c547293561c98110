import { describe, expect, test } from "vitest";
import {
  triggerMetadata,
  type RequestParts,
} from "../../../tools/functions-host/trigger-metadata.ts";

const HEADERS = { host: "localhost", cookie: "a=1" };
const own = { json: JSON.stringify(HEADERS) };

function of(parts: Partial<Omit<RequestParts, "body">> & { body?: string }) {
  const { body, ...rest } = parts;
  return triggerMetadata({
    headers: HEADERS,
    query: "",
    routeParameters: {},
    ...rest,
    body: body === undefined ? undefined : Buffer.from(body),
  });
}

describe("trigger metadata", () => {
  test("has headers and query where nobody has taken their names", () => {
    expect(of({ query: "a=1&a=2&b=%20" })).toEqual({
      a: { string: "2" },
      b: { string: " " },
      Query: { json: '{"a":"2","b":" "}' },
      Headers: own,
    });
  });

  test.each(["Headers=x", "headers=x", "HEADERS=x", "Headers=a&headers=x", "%48eaders=x"])(
    "has the caller's word for the headers with ?%s",
    (query) => {
      const metadata = of({ query });
      const names = Object.keys(metadata).filter((name) => name.toLowerCase() === "headers");
      expect(names).toHaveLength(1);
      expect(metadata[names[0] ?? ""]).toEqual({ string: "x" });
    },
  );

  test("has the members of a JSON object: objects as JSON, scalars as text, no list and no null", () => {
    const body =
      ' {"o":{"a":[1]},"n":1.5,"b":true,"l":[1],"z":null,"d":"2026-12-01T10:00:00Z","s":"text"} ';
    expect(of({ body })).toEqual({
      o: { json: '{"a":[1]}' },
      n: { string: "1.5" },
      b: { string: "True" },
      d: { string: "12/01/2026 10:00:00" },
      s: { string: "text" },
      Query: { json: "{}" },
      Headers: own,
    });
  });

  test.each(['{"Headers":{"cookie":"a=2"}}', '{"headers":"x"}', '{"Headers":{},"a":1}'])(
    "has the caller's word for the headers with the body %s",
    (body) => {
      expect(Object.values(of({ body }))).not.toContainEqual(own);
    },
  );

  test.each(["[1]", "text", "{", '{"Headers":[1]}', '{"Headers":null}', ""])(
    "has its own headers with the body %j",
    (body) => {
      expect(of({ body })).toEqual({ Query: { json: "{}" }, Headers: own });
    },
  );

  test("takes the query over the body, and the route over both", () => {
    const routeParameters = { a: "route" };
    const metadata = of({
      body: '{"A":"body","b":"body"}',
      query: "a=query&B=query",
      routeParameters,
    });
    expect(metadata).toMatchObject({ A: { string: "route" }, b: { string: "query" } });
  });

  test("leaves out the host's key parameter", () => {
    expect(Object.keys(of({ query: "code=x&Code=y&state=z" }))).toEqual([
      "state",
      "Query",
      "Headers",
    ]);
  });
});
