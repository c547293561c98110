import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  DocumentRefused,
  DocumentUnavailable,
} from "../../../shared/oauth/clients/document-fetch.ts";
import {
  publicDocumentFetch,
  type PublicDocumentFetchOptions,
} from "../../../shared/oauth/clients/public-document-fetch.ts";
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from "../../support/test-certificate.ts";

const LIMIT = 5 * 1024;

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: string[];
let port: number;

beforeAll(async () => {
  server = createServer(
    { cert: TEST_CERTIFICATE, key: TEST_CERTIFICATE_KEY },
    (request, response) => {
      asked.push(`${request.headers.host} ${request.url}`);
      answer(request, response);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  asked = [];
  answer = json({ hello: "world" });
});

function json(body: unknown, headers: Record<string, string> = {}, status = 200) {
  return (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

/** The real fetch, with a name server and a certificate of ours, on which loopback counts as public. */
function fetchHere(options: PublicDocumentFetchOptions = {}) {
  const fetchDocument = publicDocumentFetch({
    resolve: async () => ["127.0.0.1"],
    isAllowed: (address) => address === "127.0.0.1",
    ca: TEST_CERTIFICATE,
    ...options,
  });
  return (path = "/m", host = "client.example") =>
    fetchDocument(`https://${host}:${port}${path}`, LIMIT);
}

describe("fetching a stranger's document", () => {
  it("returns the JSON and the headers that say how long it holds", async () => {
    answer = json({ hello: "world" }, { "cache-control": "max-age=60" });
    const document = await fetchHere()();
    expect(document.body).toEqual({ hello: "world" });
    expect(document.headers["cache-control"]).toBe("max-age=60");
    expect(asked).toEqual([`client.example:${port} /m`]);
  });

  it("asks for plain JSON, and gives a name: front ends turn away who has none", async () => {
    let headers: IncomingMessage["headers"] = {};
    answer = (request, response) => {
      ({ headers } = request);
      json({})(request, response);
    };
    await fetchHere()();
    expect(headers).toMatchObject({
      accept: "application/json",
      "accept-encoding": "identity",
      "user-agent": "entra-mcp-functions",
    });
  });

  it("takes application/…+json and parameters of the media type", async () => {
    answer = json({}, { "content-type": "application/oauth-client+json; charset=utf-8" });
    expect((await fetchHere()()).body).toEqual({});
  });

  it.each([
    ["10.0.0.1"],
    ["127.0.0.1"],
    ["169.254.169.254"],
    ["168.63.129.16"],
    ["::1"],
    ["::ffff:127.0.0.1"],
    ["::ffff:a9fe:a9fe"],
    ["64:ff9b::7f00:1"],
    ["2002:7f00:1::"],
    ["fd00::1"],
  ])("does not connect to a name that leads to %s (SSRF)", async (address) => {
    const resolve = async () => [address];
    const fetchDocument = publicDocumentFetch({ resolve, ca: TEST_CERTIFICATE });
    await expect(fetchDocument(`https://client.example:${port}/m`, LIMIT)).rejects.toThrow(
      DocumentRefused,
    );
    expect(asked).toEqual([]);
  });

  it.each([
    ["dotted", "127.0.0.1"],
    ["decimal", "2130706433"],
    ["octal", "0177.0.0.1"],
    ["hexadecimal", "0x7f000001"],
    ["short", "127.1"],
    ["IPv6", "[::1]"],
    ["IPv4-mapped", "[::ffff:7f00:1]"],
  ])("does not connect to a %s address in the URL itself", async (_what, host) => {
    const resolve = vi.fn<() => Promise<string[]>>(async () => ["8.8.8.8"]);
    const fetchDocument = publicDocumentFetch({ resolve, ca: TEST_CERTIFICATE });
    await expect(fetchDocument(`https://${host}:${port}/m`, LIMIT)).rejects.toThrow(
      DocumentRefused,
    );
    expect(resolve).not.toHaveBeenCalled();
    expect(asked).toEqual([]);
  });

  it("refuses a name when only one of its addresses is private", async () => {
    const fetchDocument = fetchHere({ resolve: async () => ["127.0.0.1", "10.0.0.1"] });
    await expect(fetchDocument()).rejects.toThrow(DocumentRefused);
    expect(asked).toEqual([]);
  });

  it("connects to the address that it has checked, whatever the name means later (DNS rebinding)", async () => {
    const answers = [["127.0.0.1"], ["10.0.0.1"]];
    const resolve = vi.fn<() => Promise<string[]>>(async () => answers.shift() ?? []);
    await expect(fetchHere({ resolve })()).resolves.toBeDefined();
    expect(resolve).toHaveBeenCalledTimes(1);
    expect(asked).toHaveLength(1);
    await expect(fetchHere({ resolve })()).rejects.toThrow(DocumentRefused);
    expect(asked).toHaveLength(1);
  });

  it("checks the certificate against the name, not the address", async () => {
    await expect(fetchHere()("/m", "other.example")).rejects.toThrow(DocumentUnavailable);
    expect(asked).toEqual([]);
  });

  it("does not trust a certificate that is not publicly trusted", async () => {
    const fetchDocument = publicDocumentFetch({
      resolve: async () => ["127.0.0.1"],
      isAllowed: () => true,
    });
    await expect(fetchDocument(`https://client.example:${port}/m`, LIMIT)).rejects.toThrow(
      DocumentUnavailable,
    );
    expect(asked).toEqual([]);
  });

  it("refuses plain http", async () => {
    await expect(publicDocumentFetch()(`http://client.example:${port}/m`, LIMIT)).rejects.toThrow(
      DocumentRefused,
    );
  });

  it("says the same of a name that does not exist as of a private one", async () => {
    const missing = fetchHere({ resolve: async () => [] })().catch(String);
    const inside = fetchHere({ resolve: async () => ["10.0.0.1"] })().catch(String);
    expect(await missing).toBe(await inside);
  });

  it.each([301, 302, 303, 307, 308])("does not follow a redirect (%i)", async (status) => {
    answer = (request, response) => {
      if (request.url === "/m") response.writeHead(status, { location: "/elsewhere" }).end();
      else json({})(request, response);
    };
    await expect(fetchHere()()).rejects.toThrow(DocumentRefused);
    expect(asked).toEqual([`client.example:${port} /m`]);
  });

  it.each([201, 204, 400, 401, 404, 410])("refuses an answer of %i", async (status) => {
    answer = json("", {}, status);
    await expect(fetchHere()()).rejects.toThrow(DocumentRefused);
  });

  it.each([408, 429, 500, 503])("calls an answer of %i an outage", async (status) => {
    answer = json("", {}, status);
    await expect(fetchHere()()).rejects.toThrow(DocumentUnavailable);
  });

  it.each([
    ["HTML", json("<p>", { "content-type": "text/html" })],
    ["JSON called text", json({}, { "content-type": "text/plain" })],
    ["what is not JSON", json("{")],
    ["compressed JSON", json({}, { "content-encoding": "gzip" })],
    ["more than 5 KiB", json(JSON.stringify("x".repeat(LIMIT)))],
  ])("refuses %s", async (_what, wrong) => {
    answer = wrong;
    await expect(fetchHere()()).rejects.toThrow(DocumentRefused);
  });

  it("stops reading a body that does not end", async () => {
    const ended = new Promise<void>((resolve) => {
      answer = (_request, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.on("close", resolve);
        const more = () => {
          while (!response.destroyed && response.write("x".repeat(1_024)));
        };
        response.on("drain", more);
        more();
      };
    });
    await expect(fetchHere()()).rejects.toThrow(DocumentRefused);
    await ended;
  });

  it.each([
    ["name servers", { resolve: () => new Promise<string[]>(() => {}) }, () => {}],
    ["headers", {}, () => {}],
    [
      "a body",
      {},
      (_request: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { "content-type": "application/json" }).write("{");
      },
    ],
  ])("gives up on %s that take too long", async (_what, options, slow) => {
    answer = slow;
    await expect(fetchHere({ ...options, timeoutMs: 100 })()).rejects.toThrow(DocumentUnavailable);
  });

  it("calls a closed port an outage", async () => {
    const fetchDocument = publicDocumentFetch({
      resolve: async () => ["127.0.0.1"],
      isAllowed: () => true,
    });
    await expect(fetchDocument("https://client.example:9/m", LIMIT)).rejects.toThrow(
      DocumentUnavailable,
    );
  });
});
