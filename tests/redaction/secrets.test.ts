import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Secrets } from "../support/redaction/secrets.ts";

const TOKEN = randomBytes(32).toString("base64url");
const PERSON = "Zoë O'Neil+1";

const secrets = new Secrets();
secrets.add("token", TOKEN);
secrets.add("name", PERSON);

const kindsIn = (line: string, among = secrets) => among.leaksIn([line]).map(({ kind }) => kind);

describe("the search for secrets", () => {
  it.each<[string, string]>([
    ["as it is", TOKEN],
    ["in a log line", JSON.stringify({ event: "x", nested: { token: `Bearer ${TOKEN}` } })],
    ["cut short", `${TOKEN.slice(0, 30)}…`],
    ["in hex", Buffer.from(TOKEN).toString("hex")],
    ["in base64", Buffer.from(TOKEN).toString("base64")],
    ["in base64, after one byte", Buffer.from(`:${TOKEN}`).toString("base64")],
    ["in the base64 of Basic credentials", btoa(`client:${TOKEN}`)],
    ["in base64url, after two bytes", Buffer.from(`{"${TOKEN}`).toString("base64url")],
  ])("finds one %s", (_how, line) => {
    expect(kindsIn(line)).toEqual(["token"]);
  });

  it.each<[string, string]>([
    ["as it is", `hello ${PERSON}`],
    ["in a URL", `/x?name=${encodeURIComponent(PERSON)}`],
    ["in a form", new URLSearchParams({ name: PERSON }).toString()],
  ])("finds a name %s", (_how, line) => {
    expect(kindsIn(line)).toEqual(["name"]);
  });

  it("finds the signature of a JWT by itself, and the secret part of a handle", () => {
    const [payload, signature, secret] = [0, 1, 2].map(() => randomBytes(32).toString("base64url"));
    const among = new Secrets();
    among.add("jwt", `eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.${payload}.${signature}`);
    among.add("state", `aov4.${secret}`);
    expect(kindsIn(`signature ${signature}`, among)).toEqual(["jwt"]);
    expect(kindsIn(`payload ${payload}`, among)).toEqual(["jwt"]);
    expect(kindsIn(`secret ${secret}`, among)).toEqual(["state"]);
    expect(kindsIn("header eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9", among)).toEqual([]);
  });

  it("says which line holds what, once", () => {
    const line = `${TOKEN} ${TOKEN} ${PERSON}`;
    expect(secrets.leaksIn(["nothing", line])).toEqual([
      { kind: "token", line },
      { kind: "name", line },
    ]);
  });

  it("finds nothing in what is none", () => {
    expect(kindsIn(JSON.stringify({ session: randomBytes(16).toString("base64url") }))).toEqual([]);
    expect(kindsIn(TOKEN.slice(0, 20))).toEqual([]);
  });

  it("refuses what is too short to be searched for", () => {
    expect(() => secrets.add("token", "abc")).toThrow(RangeError);
  });
});
