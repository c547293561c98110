import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportSPKI, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { PublisherTokens } from "../../shared/live/publisher-token.ts";
import { APPLICATION, GUEST_TENANT, HOME_TENANT } from "../../tools/entra/directory.ts";
import { type Keys, openKeys } from "../../tools/entra/keys.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { TestClock } from "../support/test-clock.ts";

let dataDir: string;
let entra: RunningEntra;
let keys: Keys;
let tokens: PublisherTokens;
const clock = new TestClock();
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "publisher-token-"));
  entra = await startEntra({ port: 0, dataDir });
  // Signed as Entra signs: it is the claim that is refused, and not the signature.
  keys = await openKeys(dataDir);
  const { clientId } = APPLICATION;
  const known = { authorityUrl: entra.url, homeTenantId: HOME_TENANT.id, clientId };
  tokens = new PublisherTokens({ entra: known, clock });
});
afterAll(async () => {
  await entra.stop();
  await rm(dataDir, { recursive: true });
});

const seconds = (more: number) => Math.floor(clock.now() / 1000) + more;

const claims = () => ({
  aud: APPLICATION.clientId,
  iss: `${entra.url}/${HOME_TENANT.id}/v2.0`,
  nbf: seconds(0),
  exp: seconds(3_600),
  tid: HOME_TENANT.id,
  oid: randomUUID(),
  idtyp: "app",
  roles: ["Mcp.Publish"],
});

const check = (token: string, scheme = "Bearer") =>
  tokens.check(
    new Request("http://localhost/publish", { headers: { authorization: `${scheme} ${token}` } }),
  );

describe("a token to publish with", () => {
  it("is one of a program of the tenant that has the role", async () => {
    const good = claims();
    const known = { tenantId: HOME_TENANT.id, objectId: good.oid };
    expect(await check(await keys.sign("tokens", good))).toEqual(known);
    // RFC 9110 §11.1: the name of a scheme has no case.
    expect(await check(await keys.sign("tokens", good), "bearer")).toEqual(known);
  });

  it.each<[string, () => Record<string, unknown>, string]>([
    ["for another app", () => ({ aud: randomUUID() }), "invalid_token"],
    [
      "for this app by a URI, as in version 1",
      () => ({ aud: `api://${APPLICATION.clientId}` }),
      "invalid_token",
    ],
    ["of another issuer", () => ({ iss: `${entra.url}/${GUEST_TENANT.id}/v2.0` }), "invalid_token"],
    [
      "of version 1",
      () => ({ iss: `https://sts.windows.net/${HOME_TENANT.id}/` }),
      "invalid_token",
    ],
    ["that names another tenant", () => ({ tid: GUEST_TENANT.id }), "invalid_token"],
    ["that names no tenant", () => ({ tid: undefined }), "invalid_token"],
    ["that names no program", () => ({ oid: undefined }), "invalid_token"],
    ["that has expired", () => ({ exp: seconds(-120) }), "invalid_token"],
    ["that never expires", () => ({ exp: undefined }), "invalid_token"],
    ["that is not good yet", () => ({ nbf: seconds(120) }), "invalid_token"],
    ["with roles that are no list", () => ({ roles: "Mcp.Publish" }), "invalid_token"],
    ["without roles", () => ({ roles: undefined }), "insufficient_scope"],
    [
      "with a role much like it",
      () => ({ roles: ["mcp.publish", "Mcp.Publish.All"] }),
      "insufficient_scope",
    ],
    ["of a person who has the role", () => ({ scp: "mcp", idtyp: "user" }), "insufficient_scope"],
    [
      "of a person, with the role as a scope",
      () => ({ scp: "Mcp.Publish", roles: undefined }),
      "insufficient_scope",
    ],
    ["that has a scope beside the role", () => ({ scp: "" }), "insufficient_scope"],
    [
      "that does not say that it is a program's",
      () => ({ idtyp: undefined }),
      "insufficient_scope",
    ],
  ])("is none %s", async (_, changes, code) => {
    const token = await keys.sign("tokens", { ...claims(), ...changes() });
    await expect(check(token)).rejects.toMatchObject({ code });
  });

  it("is none that nobody has signed", async () => {
    await expect(check(new UnsecuredJWT(claims()).encode())).rejects.toMatchObject({
      code: "invalid_token",
    });
  });

  it("is none that is signed with what everybody knows: the public key, as a secret (RFC 8725 §2.1)", async () => {
    const [jwk] = keys.publicKeys;
    if (jwk === undefined) throw new Error("no key");
    const publicKey = await importJWK(jwk, "RS256", { extractable: true });
    if (publicKey instanceof Uint8Array) throw new Error("a symmetric key");
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: "HS256", kid: jwk.kid ?? "" })
      .sign(new TextEncoder().encode(await exportSPKI(publicKey)));
    await expect(check(token)).rejects.toMatchObject({ code: "invalid_token" });
  });
});

describe("while the keys of Entra cannot be had", () => {
  it.each([
    ["an error", 503, ""],
    ["a page", 200, "<html></html>"],
    ["something else", 200, "{}"],
  ])("nothing is said about a token: the answer is %s", async (_, status, body) => {
    const authority = createServer((request, response) => {
      const { port } = authority.address() as AddressInfo;
      const url = `http://localhost:${port}`;
      const document = {
        issuer: `${entra.url}/${HOME_TENANT.id}/v2.0`,
        authorization_endpoint: url,
        token_endpoint: url,
        jwks_uri: `${url}/keys`,
      };
      if (request.url === "/keys") response.writeHead(status).end(body);
      else response.end(JSON.stringify(document));
    });
    await new Promise<void>((resolve) => {
      authority.listen(0, "127.0.0.1", resolve);
    });
    onTestFinished(() => void authority.close());
    const { port } = authority.address() as AddressInfo;
    const troubled = new PublisherTokens({
      entra: {
        authorityUrl: `http://localhost:${port}`,
        homeTenantId: HOME_TENANT.id,
        clientId: APPLICATION.clientId,
      },
      clock,
    });
    const authorization = `Bearer ${await keys.sign("tokens", claims())}`;
    const request = new Request("http://localhost/publish", { headers: { authorization } });
    await expect(troubled.check(request)).rejects.toMatchObject({ kind: "transient" });
  });
});
