import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { boundedNetwork } from "../../shared/entra/network.ts";
import { type LocalServer, startLocalServer } from "../support/local-server.ts";

let server: LocalServer | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await server?.stop();
});

describe("MSAL's way to the network", () => {
  it("sends method, headers and body, and gives back status, headers and JSON", async () => {
    server = await startLocalServer((request, response) => {
      const { method, headers } = request;
      response.writeHead(400, { "x-answer": "yes" });
      void text(request).then((body) =>
        response.end(JSON.stringify({ method, sent: headers["x-a"], body })),
      );
    });
    const options = { headers: { "X-A": "1" }, body: "grant_type=x" };
    expect(await boundedNetwork.sendPostRequestAsync(server.url, options)).toMatchObject({
      status: 400,
      headers: { "x-answer": "yes" },
      body: { method: "POST", sent: "1", body: "grant_type=x" },
    });
    expect(await boundedNetwork.sendGetRequestAsync(server.url)).toMatchObject({
      body: { method: "GET", body: "" },
    });
  });

  it("has a deadline: a slow Entra is an outage, not a hang", async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const spy = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(20));
    server = await startLocalServer(() => undefined);
    const attempt = boundedNetwork.sendPostRequestAsync(server.url, { body: "" });
    await expect(attempt).rejects.toThrow("timeout");
    expect(spy.mock.calls[0]?.[0]).toBeLessThanOrEqual(10_000);
  });

  it("has the same deadline for the body of the answer", async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(50));
    server = await startLocalServer((_, response) => {
      response.writeHead(200).write(`{"access`);
    });
    await expect(boundedNetwork.sendGetRequestAsync(server.url)).rejects.toThrow("timeout");
  });

  it("fails on an answer that is not JSON: Entra's front end sends pages", async () => {
    server = await startLocalServer((_, response) => response.end("<!doctype html>"));
    await expect(boundedNetwork.sendGetRequestAsync(server.url)).rejects.toThrow(SyntaxError);
  });
});
