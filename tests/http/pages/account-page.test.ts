import { describe, expect, it } from "vitest";
import { accountPage, type ConnectedApp } from "../../../shared/http/pages/account-page.ts";
import { textOf } from "./markup.ts";

const app: ConnectedApp = {
  sessionId: "s-1",
  clientName: "Inspector",
  createdAt: new Date("2026-11-20T08:05:09Z"),
  lastUsedAt: new Date("2026-11-22T00:48:29Z"),
  permissions: ["Read your profile", "Read your calendar"],
  thisBrowser: false,
};

describe("the account page", () => {
  it("shows name, times in UTC and permissions of each app", async () => {
    const markup = await accountPage({ apps: [app], form: "f" }).text();
    expect(textOf(markup)).toContain(
      "Inspector Connected 2026-11-20 08:05 UTC Last used 2026-11-22 00:48 UTC " +
        "It may Read your profile; Read your calendar",
    );
    expect(markup).toContain('<time datetime="2026-11-22T00:48:29.000Z">');
  });

  it("marks only the apps that were connected in this browser", async () => {
    const own = { ...app, thisBrowser: true };
    const text = textOf(await accountPage({ apps: [app, own], form: "f" }).text());
    expect(text.match(/Connected in this browser/g)).toHaveLength(1);
  });

  it("gives each button a name that says which app it disconnects", async () => {
    const nameless = { ...app, clientName: "\u200b" };
    const markup = await accountPage({ apps: [app, nameless], form: "f" }).text();
    expect(markup).toContain('aria-label="Disconnect Inspector"');
    expect(markup).toContain('aria-label="Disconnect the app that gives no name"');
  });

  it("offers to disconnect all where there are several", async () => {
    expect(await accountPage({ apps: [app], form: "f" }).text()).not.toContain("end-all");
    expect(await accountPage({ apps: [app, app], form: "f" }).text()).toContain("end-all");
  });

  it("says so where no app is connected, and still lets the person sign out", async () => {
    const markup = await accountPage({ apps: [], form: "f" }).text();
    expect(textOf(markup)).toContain("No app is connected");
    expect(markup).toContain('value="sign-out"');
    expect(markup).not.toContain('name="session"');
  });
});
