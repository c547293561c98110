import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { accountPage } from "../../../shared/http/pages/account-page.ts";
import { accountSignInPage } from "../../../shared/http/pages/account-sign-in-page.ts";
import { consentPage } from "../../../shared/http/pages/consent-page.ts";
import { donePage } from "../../../shared/http/pages/done-page.ts";
import { errorPage } from "../../../shared/http/pages/error-page.ts";
import { homePage } from "../../../shared/http/pages/home-page.ts";
import { requestFaultPage } from "../../../shared/http/pages/request-fault-page.ts";
import { attack, attackEscaped, tagsOf } from "./markup.ts";

/** Every page with an attack in each of its fields, and the fields that it shows. */
const pages = [
  {
    name: "home",
    render: () =>
      homePage({
        endpoints: [{ name: attack("endpoint"), url: attack("url") }],
        features: [
          {
            name: attack("feature"),
            title: attack("featureTitle"),
            description: attack("description"),
          },
        ],
      }),
    fields: ["endpoint", "url", "feature", "featureTitle", "description"],
  },
  {
    name: "consent",
    render: () =>
      consentPage({
        clientName: attack("clientName"),
        clientUri: attack("clientUri"),
        redirectHost: attack("redirectHost"),
        redirectUri: attack("redirectUri"),
        clientHost: attack("clientHost"),
        loopbackOnly: true,
        rememberable: true,
        scopes: [
          { name: attack("scope"), title: attack("scopeTitle"), description: attack("meaning") },
        ],
        request: attack("request"),
      }),
    // clientUri is no URL and therefore not shown
    fields: [
      "clientName",
      "clientHost",
      "redirectHost",
      "redirectUri",
      "scope",
      "scopeTitle",
      "meaning",
      "request",
    ],
  },
  {
    name: "error",
    render: () =>
      errorPage({
        status: 400,
        title: attack("title"),
        message: attack("message"),
        whatToDo: attack("whatToDo"),
        requestId: attack("requestId"),
      }),
    fields: ["title", "message", "whatToDo", "requestId"],
  },
  {
    name: "request fault",
    render: () =>
      requestFaultPage({
        fault: attack("fault"),
        clientName: attack("clientName"),
        redirectHost: attack("redirectHost"),
        wayBack: attack("wayBack"),
      }),
    fields: ["fault", "clientName", "redirectHost", "wayBack"],
  },
  {
    name: "account",
    render: () =>
      accountPage({
        apps: ["first", "second"].map((name) => ({
          sessionId: attack("sessionId"),
          clientName: attack(name),
          createdAt: new Date(0),
          lastUsedAt: new Date(0),
          permissions: [attack("permission")],
          thisBrowser: true,
        })),
        form: attack("form"),
        notice: "ended",
      }),
    fields: ["sessionId", "first", "second", "permission", "form"],
  },
  {
    name: "account sign-in",
    render: () => accountSignInPage({ form: attack("form"), notice: "stale" }),
    fields: ["form"],
  },
  {
    name: "done",
    render: () => donePage({ title: attack("title"), message: attack("message") }),
    fields: ["title", "message"],
  },
];

describe.each(pages)("the $name page", ({ render, fields }) => {
  it("escapes every field of its view", async () => {
    const markup = await render().text();
    for (const field of fields) expect(markup).toContain(attackEscaped(field));
    expect(markup).not.toContain("<script");
    expect(markup).not.toContain("<img");
  });

  it("has no script, inline style or event handler", async () => {
    for (const tag of tagsOf(await render().text())) {
      expect(tag).not.toMatch(/^<script/i);
      expect(tag).not.toMatch(/\s(style|on\w+)\s*=/i);
    }
  });

  it("allows exactly its own stylesheet, by hash", async () => {
    const response = render();
    const policy = response.headers.get("content-security-policy");
    const sheets = [...(await response.text()).matchAll(/<style>([^]*?)<\/style>/g)];
    expect(sheets).toHaveLength(1);
    const hash = createHash("sha256")
      .update(sheets[0]?.[1] ?? "")
      .digest("base64");
    expect(policy).toContain(`style-src 'sha256-${hash}';`);
  });

  it("has landmarks, a language, and headings in order from one h1", async () => {
    const tags = tagsOf(await render().text());
    const count = (tag: string) => tags.filter((each) => each.startsWith(`<${tag}`)).length;
    expect(tags[0]).toMatch(/^<!doctype html>$/i);
    expect(tags[1]).toBe('<html lang="">');
    expect([count("header"), count("main"), count("footer"), count("h1")]).toEqual([1, 1, 1, 1]);

    const levels = tags.flatMap((tag) => tag.match(/^<h([1-6])/)?.[1] ?? []).map(Number);
    levels.forEach((level, index) => {
      expect(level).toBeLessThanOrEqual((levels[index - 1] ?? 0) + 1);
    });
  });

  it("closes every element that it opens", async () => {
    const open: string[] = [];
    for (const tag of tagsOf(await render().text())) {
      const name = tag.match(/^<\/?([a-z0-9]+)/i)?.[1] ?? "";
      if (tag.startsWith("</")) expect(open.pop()).toBe(name);
      else if (name !== "" && !tag.endsWith("/>")) open.push(name);
    }
    expect(open).toEqual([]);
  });
});

it("gives every page a title of its own", async () => {
  const titles = await Promise.all(
    pages.map(async ({ render }) => (await render().text()).match(/<title>([^<]*)</)?.[1]),
  );
  // error and done take theirs from the view, which is the same attack here
  expect(new Set(titles)).toHaveProperty("size", 6);
});
