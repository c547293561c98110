import { describe, expect, it } from "vitest";
import {
  OAUTH_BODY_LIMIT_BYTES,
  readForm,
  readJson,
  readText,
  repeatedParameter,
} from "../../shared/http/body.ts";

const FORM = "application/x-www-form-urlencoded";

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream | null;
const post = (body: Body, type = "application/json", headers: Record<string, string> = {}) => {
  const init = { method: "POST", headers: { "content-type": type, ...headers }, body };
  // A stream needs `duplex`, which the DOM's types do not know.
  return new Request("https://mcp.example.com/x", Object.assign(init, { duplex: "half" }));
};

describe("readText", () => {
  it("takes the media type whatever its case and parameters (RFC 9110 §8.3.1)", async () => {
    const request = post("x", "Application/JSON; charset=utf-8");
    expect(await readText(request, "application/json", 10)).toBe("x");
  });

  it.each(["text/plain", "application/json-patch+json", "", "multipart/form-data"])(
    "answers 415 to %j",
    async (type) => {
      const attempt = readText(post("{}", type), "application/json", 10);
      await expect(attempt).rejects.toMatchObject({ name: "HttpError", status: 415 });
    },
  );

  it("answers 415 to a body without a media type", async () => {
    const request = new Request("https://mcp.example.com", { method: "POST" });
    await expect(readText(request, FORM, 10)).rejects.toMatchObject({ status: 415 });
  });

  it("takes as many bytes as allowed, and one more not", async () => {
    expect(await readText(post("€€"), "application/json", 6)).toBe("€€");
    await expect(readText(post("€€x"), "application/json", 6)).rejects.toMatchObject({
      status: 413,
    });
  });

  it("believes a Content-Length that is too large, and reads nothing", async () => {
    let pulled = false;
    const body = new ReadableStream({ pull: () => void (pulled = true) }, { highWaterMark: 0 });
    const request = post(body, "application/json", { "content-length": "11" });
    await expect(readText(request, "application/json", 10)).rejects.toMatchObject({ status: 413 });
    expect(pulled).toBe(false);
  });

  it("stops reading at the limit when no length was declared", async () => {
    let sent = 0;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          sent += 1;
          controller.enqueue(new Uint8Array(10));
        },
        cancel: () => void (cancelled = true),
      },
      { highWaterMark: 0 },
    );
    const attempt = readText(post(body), "application/json", 25);
    await expect(attempt).rejects.toMatchObject({ status: 413 });
    expect(cancelled).toBe(true);
    expect(sent).toBeLessThanOrEqual(4);
  });

  it("answers 400 to bytes that are not UTF-8", async () => {
    const attempt = readText(post(Uint8Array.of(0x22, 0xff, 0x22)), "application/json", 10);
    await expect(attempt).rejects.toMatchObject({ status: 400, message: "The body is not UTF-8." });
  });

  it("joins a character that came in two pieces", async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Uint8Array.of(0xe2, 0x82));
        controller.enqueue(Uint8Array.of(0xac));
        controller.close();
      },
    });
    expect(await readText(post(body), "application/json", 10)).toBe("€");
  });

  it("answers 400 to an upload that broke off", async () => {
    const body = new ReadableStream({
      start: (controller) => controller.error(new Error("socket hang up")),
    });
    await expect(readText(post(body), "application/json", 10)).rejects.toMatchObject({
      status: 400,
      message: "The body broke off.",
    });
  });
});

describe("readJson", () => {
  it("reads JSON", async () => {
    expect(await readJson(post(`{"a":[1]}`), 100)).toEqual({ a: [1] });
  });

  it.each(["", "{", "undefined", "{'a':1}"])("answers 400 to %j", async (text) => {
    await expect(readJson(post(text), 100)).rejects.toMatchObject({
      status: 400,
      message: "The body is not JSON.",
    });
  });
});

const fill = (bytes: number) => `a=${"x".repeat(bytes - 2)}`;

describe("readForm", () => {
  it("reads a form", async () => {
    const form = await readForm(post("a=1&b=%C3%A4+x", FORM));
    expect(Object.fromEntries(form)).toEqual({ a: "1", b: "ä x" });
  });

  it("answers 400 to a parameter that comes twice (RFC 6749 §3.2)", async () => {
    await expect(readForm(post("a=1&a=1", FORM))).rejects.toMatchObject({ status: 400 });
  });

  it("lets resource come several times (RFC 8707 §2)", async () => {
    const form = await readForm(post("resource=a&resource=b", FORM));
    expect(form.getAll("resource")).toEqual(["a", "b"]);
  });

  it("takes 64 KiB and no more", async () => {
    await readForm(post(fill(OAUTH_BODY_LIMIT_BYTES), FORM));
    const attempt = readForm(post(fill(OAUTH_BODY_LIMIT_BYTES + 1), FORM));
    await expect(attempt).rejects.toMatchObject({
      status: 413,
      message: "The body may have 64 KiB at most.",
    });
  });
});

describe("repeatedParameter", () => {
  it("names the parameter, but for those that may be repeated", () => {
    expect(repeatedParameter(new URLSearchParams("a=1&b=2&b="))).toBe("b");
    expect(repeatedParameter(new URLSearchParams("a=1&b=2"))).toBeUndefined();
    expect(repeatedParameter(new URLSearchParams("resource=1&resource=2"))).toBeUndefined();
    expect(repeatedParameter(new URLSearchParams("resource=1&resource=2"), [])).toBe("resource");
  });
});
