import { createHmac, createPublicKey, generateKeyPairSync } from "node:crypto";
import {
  base64url,
  CompactEncrypt,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWK,
  SignJWT,
} from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { jsonOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { resign } from "../support/resign.ts";

const facade = useFacade();

/** The victim's token, which stays good whatever is tried. */
let token: string;
let header: Record<string, unknown>;
let claims: Record<string, unknown>;
let publicJwk: JWK;

beforeEach(async () => {
  token = (await facade.client.tokens("alice")).access_token;
  header = { ...decodeProtectedHeader(token) };
  claims = decodeJwt(token);
  const jwks = await jsonOf(await facade.get("/.well-known/jwks.json"));
  [publicJwk = {}] = jwks["keys"] as JWK[];
});

const json = (value: unknown) => base64url.encode(JSON.stringify(value));
const now = () => Math.floor(facade.app.clock.now() / 1000);
const signatureOf = (jwt: string) => jwt.split(".")[2] ?? "";

/** Puts a header and claims before the victim's signature, or another. */
function forge(
  changedHeader: Record<string, unknown>,
  changedClaims: Record<string, unknown> = {},
  signature = signatureOf(token),
): string {
  return `${json({ ...header, ...changedHeader })}.${json({ ...claims, ...changedClaims })}.${signature}`;
}

/** The forgery is refused with a challenge, the log has no fault, and the victim's token works. */
async function expectRefused(forged: string): Promise<void> {
  const answer = await facade.get("/sse", { authorization: `Bearer ${forged}` });
  expect(answer.status).toBe(401);
  expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer resource_metadata="/);
  expect(facade.app.log.filter((line) => line.includes("request-failed"))).toEqual([]);
  expect(await facade.sseStatus(token)).toBe(200);
}

describe("alg tricks (RFC 8725 §2.1, §3.1): an attacker who changes the algorithm gets in", () => {
  it.each([
    "none",
    "None",
    "NONE",
    "nOnE",
    "",
    "HS256",
    "RS256",
    "ES384",
    "ES256K",
    "EdDSA",
    "es256",
  ])("not by %j under any signature", async (alg) => {
    for (const signature of ["", signatureOf(token), "AAAA"]) {
      await expectRefused(forge({ alg }, {}, signature));
    }
  });

  it("not by HS256 with the published key as the secret, in any way it can be written", async () => {
    const pem = createPublicKey({ key: publicJwk, format: "jwk" });
    const secrets = [
      pem.export({ type: "spki", format: "pem" }),
      pem.export({ type: "spki", format: "der" }),
      JSON.stringify(publicJwk),
      publicJwk.x ?? "",
      "",
    ];
    for (const secret of secrets) {
      const signed = forge({ alg: "HS256" }).split(".").slice(0, 2).join(".");
      const mac = createHmac("sha256", secret).update(signed).digest("base64url");
      await expectRefused(`${signed}.${mac}`);
    }
  });

  it.each([[["ES256"]], [null], [true], [{ alg: "ES256" }], [256]])(
    "not by an algorithm that is no text: %j",
    async (alg) => expectRefused(forge({ alg })),
  );
});

describe("key-id tricks (RFC 8725 §3.10): an attacker who names the key gets in", () => {
  it.each([
    ["a path", "../../../dev/null"],
    ["a query to a database", "' OR '1'='1"],
    ["a command", "| touch /evil"],
    ["a URL", "https://evil.example/jwks.json"],
    ["a property of every object", "__proto__"],
    ["another one", "constructor"],
    ["nothing", ""],
    ["a null byte", "\u0000"],
    ["a very long text", "k".repeat(10_000)],
    ["a list", ["a"]],
    ["an object", { toString: "x" }],
    ["a number", 1],
    ["no value", null],
    ["true", true],
  ])("not by %s as kid", async (_what, kid) => expectRefused(forge({ kid })));

  it("not by leaving the key id out, though there is one key only", async () => {
    await expectRefused(await resign(facade.app, token, {}, { kid: undefined }));
  });

  it("not by a key of his own, in the token or behind a link in it (jwk, jku, x5u, x5c)", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const tricks = [
      { jwk },
      { jwk: { ...jwk, kid: String(header["kid"]) } },
      { jku: "https://evil.example/jwks.json", kid: "evil" },
      { jku: `${facade.app.baseUrl}/.well-known/jwks.json`, jwk },
      { x5u: "https://evil.example/chain.pem" },
      { x5c: ["MIIB"], "x5t#S256": "AAAA" },
    ];
    for (const trick of tricks) {
      const signing = new SignJWT(claims).setProtectedHeader({ ...header, alg: "ES256", ...trick });
      await expectRefused(await signing.sign(privateKey));
    }
  });

  it("not by thousands of unknown keys: the table is read once in five seconds at most", async () => {
    let reads = 0;
    const list = facade.app.store.list.bind(facade.app.store);
    facade.app.store.list = (table, partition) => {
      reads += 1;
      return list(table, partition);
    };
    facade.app.clock.advance({ seconds: 10 });
    for (let n = 0; n < 200; n++) {
      const authorization = `Bearer ${forge({ kid: `unknown-${n}` })}`;
      expect((await facade.get("/sse", { authorization })).status).toBe(401);
    }
    expect(reads).toBeLessThanOrEqual(2);
    expect(await facade.sseStatus(token)).toBe(200);
  });
});

describe("other headers of a JWT: an attacker gets in", () => {
  it.each([
    ["an extension that must be understood", { crit: ["exp"] }],
    ["an extension of his own", { crit: ["evil"], evil: true }],
    ["an empty list of extensions", { crit: [] }],
    ["an unencoded payload (RFC 7797)", { b64: false, crit: ["b64"] }],
    ["an unencoded payload, not declared", { b64: false }],
    ["compression", { zip: "DEF" }],
    ["the type of an ID token", { typ: "JWT" }],
    ["no type", { typ: undefined }],
    ["a type that contains ours", { typ: "at+jwt+evil" }],
    ["a type that is a list", { typ: ["at+jwt"] }],
  ])("not by %s", async (_what, changed) => expectRefused(forge(changed)));

  it("not by the type of another JWT under our own signature (RFC 8725 §3.11)", async () => {
    for (const typ of ["JWT", "logout+jwt", "client-authentication+jwt", undefined]) {
      await expectRefused(await resign(facade.app, token, {}, { typ }));
    }
  });
});

describe("signatures: an attacker gets in", () => {
  it("not by r = s = 0, nor by other numbers outside of the curve (CVE-2022-21449)", async () => {
    const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const zero = "00".repeat(32);
    const one = `${"00".repeat(31)}01`;
    for (const [r, s] of [
      [zero, zero],
      [order, order],
      [zero, one],
      [one, zero],
      [one, one],
      [order, one],
    ]) {
      const signature = Buffer.from(`${r}${s}`, "hex").toString("base64url");
      await expectRefused(forge({}, {}, signature));
      await expectRefused(forge({}, { sub: "somebody-else" }, signature));
    }
  });

  it("not by a signature in DER, cut short, doubled or empty", async () => {
    const raw = Buffer.from(signatureOf(token), "base64url");
    const der = Buffer.concat([
      Buffer.from([0x30, 68, 2, 32]),
      raw.subarray(0, 32),
      Buffer.from([2, 32]),
      raw.subarray(32),
    ]);
    for (const signature of [
      der,
      raw.subarray(0, 63),
      Buffer.concat([raw, raw]),
      Buffer.alloc(0),
    ]) {
      await expectRefused(forge({}, {}, signature.toString("base64url")));
    }
  });

  it("with a malleable signature only as the victim's token itself: same person, same end", async () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const raw = Buffer.from(signatureOf(token), "base64url").toString("hex");
    const other = (order - BigInt(`0x${raw.slice(64)}`)).toString(16).padStart(64, "0");
    const signature = Buffer.from(raw.slice(0, 64) + other, "hex").toString("base64url");
    const twin = `${token.slice(0, token.lastIndexOf("."))}.${signature}`;
    expect(twin).not.toBe(token);
    expect(await facade.sseStatus(twin)).toBe(200);
    await facade.app.store.delete("sessions", {
      partition: String(claims["sub"]),
      row: String(claims["sid"]),
    });
    facade.app.clock.advance({ seconds: 31 });
    expect(await facade.sseStatus(twin)).toBe(401);
    expect(await facade.sseStatus(token)).toBe(401);
  });

  it("not by a key pair of his own under our key id", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    const forged = new SignJWT(claims).setProtectedHeader({ ...header, alg: "ES256" });
    await expectRefused(await forged.sign(privateKey));
  });

  it("not by other claims before the victim's signature", async () => {
    for (const changed of [
      { sub: "somebody-else" },
      { sid: "AAAAAAAAAAAAAAAAAAAAAA" },
      { scope: "mcp user.read calendar.read admin" },
      { exp: 99_999_999_999 },
    ]) {
      await expectRefused(forge({}, changed));
    }
  });

  it("not by a claim that comes twice: what is signed are bytes", async () => {
    const payload = JSON.stringify(claims).replace("{", '{"sub":"somebody-else",');
    const [head] = token.split(".");
    await expectRefused(`${head}.${base64url.encode(payload)}.${signatureOf(token)}`);
  });
});

describe("other forms of a token: an attacker gets in", () => {
  it("not by an encrypted token with a token inside (nested JWE)", async () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const jwe = await new CompactEncrypt(new TextEncoder().encode(token))
      .setProtectedHeader({
        alg: "ECDH-ES",
        enc: "A256GCM",
        cty: "JWT",
        kid: String(header["kid"]),
      })
      .encrypt(publicKey);
    await expectRefused(jwe);
    const dir = await new CompactEncrypt(new TextEncoder().encode(token))
      .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: "at+jwt" })
      .encrypt(new Uint8Array(32));
    await expectRefused(dir);
  });

  it.each([
    ["two parts", (jwt: string) => jwt.split(".").slice(0, 2).join(".")],
    ["four parts", (jwt: string) => `${jwt}.AAAA`],
    ["empty parts", () => ".."],
    ["a detached payload", (jwt: string) => jwt.replace(/\.[^.]+\./, "..")],
    ["padding", (jwt: string) => `${jwt}=`],
    ["a header that is a list", (jwt: string) => jwt.replace(/^[^.]+/, json(["at+jwt"]))],
    ["a header that is no JSON", (jwt: string) => jwt.replace(/^[^.]+/, "AAAA")],
    ["claims that are a list", (jwt: string) => jwt.replace(/\.[^.]+\./, `.${json([1])}.`)],
    ["JSON serialization", (jwt: string) => json({ payload: jwt, signatures: [] })],
  ])("not by a token of %s", async (_form, bend) => {
    const bent = bend(token);
    if (bent !== token) await expectRefused(bent);
  });
});

describe("a token that the server itself signed is refused", () => {
  it.each([
    ["that is not valid yet", () => ({ nbf: now() + 60 })],
    ["that has expired", () => ({ exp: now() })],
    ["that never expires", () => ({ exp: undefined })],
    ["whose end is text", () => ({ exp: String(now() + 60) })],
    ["whose beginning is text", () => ({ nbf: "now" })],
    ["of another issuer", () => ({ iss: "https://evil.example" })],
    ["of an issuer with a slash more", () => ({ iss: `${facade.app.baseUrl}/` })],
    ["of several issuers", () => ({ iss: [facade.app.baseUrl] })],
    ["for another server", () => ({ aud: "https://evil.example/sse" })],
    [
      "for several audiences, ours among them",
      () => ({ aud: [`${facade.app.baseUrl}/sse`, "https://evil.example"] }),
    ],
    ["for nobody", () => ({ aud: undefined })],
    ["for the client, as an ID token is", () => ({ aud: claims["client_id"] })],
    ["of a session that is not there", () => ({ sid: "AAAAAAAAAAAAAAAAAAAAAA" })],
    ["of another person's session", () => ({ sub: "A".repeat(43) })],
    ["whose session is a list", () => ({ sid: [claims["sid"]] })],
    ["whose scope is a list", () => ({ scope: ["mcp"] })],
  ])("%s", async (_what, changed) => expectRefused(await resign(facade.app, token, changed())));

  it("and scopes in it that are not ours are nothing", async () => {
    const odd = await resign(facade.app, token, { scope: "admin * mcp" });
    expect(await facade.sseStatus(odd)).toBe(200);
  });
});

it("a token of Entra's is not one of ours (token passthrough)", async () => {
  const issued = facade.entra.issued().map(({ value }) => value);
  expect(issued.length).toBeGreaterThan(0);
  for (const theirs of issued) await expectRefused(theirs);
  const entra = await new SignJWT({ ...claims, iss: `${facade.entra.url}/v2.0`, ver: "2.0" })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: "entra" })
    .sign((await generateKeyPair("RS256")).privateKey);
  await expectRefused(entra);
});

it("the JWKS shows no private part of a key", async () => {
  const { keys } = (await jsonOf(await facade.get("/.well-known/jwks.json"))) as { keys: object[] };
  for (const key of keys) {
    expect(Object.keys(key).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  }
});
