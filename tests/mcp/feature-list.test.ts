import { describe, expect, it } from "vitest";
import { feedResources } from "../../shared/features/feed-resources.ts";
import { listedOfTemplate } from "../../shared/mcp/feature-list.ts";

describe("what a template has to read", () => {
  it("is shown by its own name: clients prefer a title, and all would have the same", () => {
    const listed = ["prices", "weather"].map((name) =>
      listedOfTemplate(feedResources, { uri: `feed://${name}`, name }),
    );
    const shown = listed.map((entry) => ("title" in entry ? entry.title : entry.name));
    expect(shown).toEqual(["prices", "weather"]);
  });
});
