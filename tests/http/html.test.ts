import { describe, expect, it } from "vitest";
import { html, trustedHtml } from "../../shared/http/html.ts";

describe("html", () => {
  it("escapes every character that can end text or a quoted attribute", () => {
    expect(html`<p title="${`"'`}">${"<b>&amp;</b>"}</p>`.toString()).toBe(
      '<p title="&quot;&#39;">&lt;b&gt;&amp;amp;&lt;/b&gt;</p>',
    );
  });

  it("takes nested markup as it is and joins arrays of it", () => {
    const items = ["a", "<"].map((item) => html`<b>${item}</b>`);
    expect(html`<p>${items}</p>`.toString()).toBe("<p><b>a</b><b>&lt;</b></p>");
  });

  it("escapes strings inside arrays", () => {
    expect(html`${["<", ["&"]]}`.toString()).toBe("&lt;&amp;");
  });

  it("leaves out false and undefined, and keeps zero and the empty string's place", () => {
    expect(html`[${false}${undefined}${""}${0}]`.toString()).toBe("[0]");
  });

  it("does not read $-patterns or backslashes in a value", () => {
    expect(html`<p>${"$& $1 \\n"}</p>`.toString()).toBe("<p>$&amp; $1 \\n</p>");
  });
});

describe("trustedHtml", () => {
  it("passes its text unescaped", () => {
    expect(html`${trustedHtml("<i>&</i>")}`.toString()).toBe("<i>&</i>");
  });
});
