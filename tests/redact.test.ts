import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { jsonLog } from "../shared/log.ts";
import { redact } from "../shared/redact.ts";

describe("a message of a library, before it is logged, loses", () => {
  it("tokens, signed or sealed", async () => {
    const token = await new SignJWT({}).setProtectedHeader({ alg: "HS256" }).sign(Buffer.alloc(32));
    const sealed = `${Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString("base64url")}..iv.text.tag`;
    expect(redact(`got ${token}, ${sealed} and Bearer 0.AXoAopaque-token`)).toBe(
      "got [token], [token] and Bearer [token]",
    );
  });

  it("addresses of people, as Entra puts them into its errors", () => {
    expect(
      redact(
        "AADSTS50105: The signed in user 'zoë.o'neil+x@contoso.example' is not assigned to a role",
      ),
    ).toBe("AADSTS50105: The signed in user '[address]' is not assigned to a role");
  });

  it("what stands behind the host of a URL, keys of rows too", () => {
    expect(
      redact(
        "no https://acct.table.core.windows.net/sessions(PartitionKey='u',RowKey='s')?sig=a now",
      ),
    ).toBe("no https://acct.table.core.windows.net/… now");
    expect(redact("see https://aka.ms?code=1")).toBe("see https://aka.ms/…");
  });

  it("what could not be parsed", () => {
    for (const text of ["Alice", `"Alice" and "Bob", ${"x".repeat(100)}`, '{"mail": Alice}']) {
      const message = messageOf(text);
      expect(redact(message)).not.toContain("Alice");
    }
  });

  it("its end, where it is very long: it may be an answer as a whole, and is cut between two words", () => {
    const redacted = redact(
      `${"word ".repeat(1_998)}alice@contoso.example ${"x".repeat(10_000_000)}`,
    );
    expect(redacted).toMatch(/ word (\[address\] )?…$/);
  });

  it("nothing else: what says where and why stays", () => {
    const stack = "Error: table sessions answered 500\n    at run (file:///app/dist/main.js:12:34)";
    expect(redact(stack)).toBe(stack);
  });
});

it("the log redacts errors and their causes", () => {
  const lines: string[] = [];
  const log = jsonLog((_level, line) => lines.push(line));
  const cause = new Error("User account 'bob@contoso.example' does not exist");
  log.error("x", new Error("Entra said no", { cause }));
  expect(lines.join()).toContain("Entra said no");
  expect(lines.join()).toContain("[address]");
  expect(lines.join()).not.toContain("contoso");
});

function messageOf(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    return String(error);
  }
  throw new Error("it is JSON");
}
