import { describe, expect, it } from "vitest";
import { branding } from "../../../shared/branding.ts";
import { html } from "../../../shared/http/html.ts";
import { page } from "../../../shared/http/pages/page.ts";

const render = (headers: HeadersInit = {}) =>
  page({ title: "Title", body: html`<h1>Title</h1>`, headers });

describe("page", () => {
  it("answers 200 with HTML in UTF-8, or the status it is given", () => {
    expect(render().status).toBe(200);
    expect(render().headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page({ title: "t", body: html``, status: 503 }).status).toBe(503);
  });

  it("forbids scripts, frames, sniffing and caching", () => {
    const { headers } = render();
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'$/,
    );
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it("sets no form-action, which Chrome would apply to the redirects after the consent form", () => {
    expect(render().headers.get("content-security-policy")).not.toContain("form-action");
  });

  it("sets no Cross-Origin-Opener-Policy, which would cut off clients that use a popup", () => {
    expect(render().headers.has("cross-origin-opener-policy")).toBe(false);
  });

  it("keeps Origin on same-origin form posts by its referrer policy", () => {
    expect(render().headers.get("referrer-policy")).toBe("same-origin");
  });

  it("adds headers, several cookies too, but lets none replace a security header", () => {
    const { headers } = render([
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
      ["Cache-Control", "public"],
      ["Content-Security-Policy", "default-src *"],
    ]);
    expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  it("shows the product's name, icon and contact", async () => {
    const markup = await render().text();
    expect(markup).toContain(`<title>Title · ${branding.productName}</title>`);
    expect(markup).toContain(branding.icon.toString());
    expect(markup).toContain(branding.contact.text);
    expect(markup).toMatch(
      /<link rel="icon" type="image\/svg\+xml" href="data:image\/svg\+xml,%3Csvg/,
    );
  });
});
