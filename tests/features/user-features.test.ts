import { beforeEach, describe, expect, it } from "vitest";
import { getUserDetails } from "../../shared/features/get-user-details.ts";
import { userResource } from "../../shared/features/user-resource.ts";
import { createCall, resultOf } from "../support/fake-call.ts";

let fake: ReturnType<typeof createCall>;
beforeEach(() => {
  fake = createCall();
});

const alice = {
  displayName: "Alice Example",
  mail: "alice@contoso.example",
  userPrincipalName: "alice@contoso.example",
  jobTitle: "Product Manager",
};

describe("getUserDetails", () => {
  it("asks Graph for what it shows and nothing else", async () => {
    fake.graph.answers.push(alice);
    await getUserDetails.call({}, fake.call);
    expect(fake.graph.asked.map(({ path }) => path)).toEqual([
      "/v1.0/me?$select=displayName,mail,userPrincipalName,jobTitle,department,officeLocation,preferredLanguage",
    ]);
  });

  it("gives the profile as data and in words", async () => {
    fake.graph.answers.push({ ...alice, "@odata.context": "x", businessPhones: ["1"] });
    expect(await resultOf(getUserDetails, {}, fake.call)).toMatchObject({
      structured: alice,
      text: "Alice Example <alice@contoso.example>, Product Manager",
    });
  });

  it.each([
    [{ displayName: null, mail: null, userPrincipalName: null }, "Unnamed <no mail address>"],
    [{ displayName: "A", mail: null, userPrincipalName: "a@b.example" }, "A <a@b.example>"],
    [{ displayName: "A", mail: "a@b.example", jobTitle: "" }, "A <a@b.example>"],
  ])("takes a profile with gaps: %j", async (profile, words) => {
    fake.graph.answers.push(profile);
    expect((await resultOf(getUserDetails, {}, fake.call)).text).toBe(words);
  });

  it("needs the scope user.read", () => {
    expect([getUserDetails.requires, userResource.requires]).toEqual(["user.read", "user.read"]);
  });
});

describe("the resource user://me", () => {
  it("is the profile as JSON", async () => {
    fake.graph.answers.push(alice);
    expect(JSON.parse((await userResource.read(fake.call)) as string)).toEqual(alice);
  });
});
