import { describe, expect, it } from "vitest";
import { consentPage, type ConsentView } from "../../../shared/http/pages/consent-page.ts";
import { textOf } from "./markup.ts";

const view: ConsentView = {
  clientName: "Claude",
  redirectHost: "claude.ai",
  redirectUri: "https://claude.ai/api/mcp/auth_callback",
  loopbackOnly: false,
  rememberable: true,
  scopes: [{ name: "user.read", title: "Read your profile", description: "Name and address." }],
  request: "sealed.request",
};

const markupOf = (changes: Partial<ConsentView> = {}) =>
  consentPage({ ...view, ...changes }).text();

describe("the consent form", () => {
  it("keeps the contract that other programs rely on", async () => {
    const form = (await markupOf()).match(/<form[^]*<\/form>/)?.[0] ?? "";
    expect(form).toContain('<form method="post" action="/consent">');
    expect(form).toContain('<input type="hidden" name="request" value="sealed.request" />');
    expect(form.match(/<button [^>]*>/g)).toEqual([
      '<button name="decision" value="approve">',
      '<button name="decision" value="deny">',
    ]);
  });

  it("comes once, after what it is about", async () => {
    const markup = await markupOf({ loopbackOnly: true });
    expect(markup.match(/<form/g)).toHaveLength(1);
    for (const text of ["calls itself", "claude.ai", "started the sign-in", "Read your profile"])
      expect(markup.indexOf(text)).toBeLessThan(markup.indexOf("<form"));
  });
});

describe("the consent page", () => {
  it("gives the client's name as a claim, the host it returns to, and what it may do", async () => {
    const text = textOf(await markupOf());
    expect(text).toContain("calls itself Claude wants to use");
    expect(text).toContain("has not been verified");
    expect(text).toContain("Sends you back to claude.ai");
    expect(text).toContain("https://claude.ai/api/mcp/auth_callback");
    expect(text).toContain("Read your profile Name and address.");
    expect(text).toContain("sign in with your work account at Microsoft");
  });

  it("shows the host that publishes the client, where one does", async () => {
    const text = textOf(await markupOf({ clientHost: "vscode.dev" }));
    expect(text).toContain("Check who publishes it, and where it sends you back to.");
    expect(text).toContain("Published by (verified) vscode.dev Sends you back to claude.ai");
    expect(textOf(await markupOf())).not.toContain("Published by");
  });

  it("warns only when the client is on this computer", async () => {
    const warning = "Continue only if you started the sign-in yourself just now.";
    expect(textOf(await markupOf({ loopbackOnly: true }))).toContain(warning);
    expect(textOf(await markupOf())).not.toContain(warning);
  });

  it("isolates a name that tries to reorder or hide the text around it", async () => {
    const markup = await markupOf({ clientName: "\u202eedualC\u2066\u200b\u0007 \u05d0" });
    expect(markup).toContain("<bdi>edualC \u05d0</bdi>");
  });

  it("says so when the client gives no visible name", async () => {
    for (const clientName of ["", " \n", "\u200b\u3164\u2800"])
      expect(textOf(await markupOf({ clientName }))).toContain(
        "An app that gives no name wants to use",
      );
  });

  it("shows of the client's website the host alone, and never as a link", async () => {
    const markup = await markupOf({ clientUri: "https://claude.ai@evil.example/path" });
    expect(markup).toContain("<bdi>evil.example</bdi>");
    expect(markup).not.toContain("claude.ai@");
    expect(markup).not.toMatch(/<a [^>]*evil/);
  });

  it("leaves out a website that is no web address", async () => {
    for (const clientUri of ["javascript:alert(1)", "data:text/html,x", "not a url"]) {
      const markup = await markupOf({ clientUri });
      expect(markup).not.toContain(clientUri);
      expect(markup).not.toContain("Website");
    }
  });

  it("sets the cookie that belongs to this render", () => {
    const response = consentPage(view, { "Set-Cookie": "__Host-csrf=x; Path=/; Secure" });
    expect(response.headers.getSetCookie()).toEqual(["__Host-csrf=x; Path=/; Secure"]);
    expect(response.status).toBe(200);
  });
});
