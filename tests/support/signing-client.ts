import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { randomUUID } from "node:crypto";
import type { TestClock } from "./test-clock.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** A key pair of a client, and the assertions that it signs. */
export class SigningClient {
  readonly publicKey: JWK;
  readonly #privateKey: CryptoKey;
  readonly #algorithm: string;

  private constructor(algorithm: string, privateKey: CryptoKey, publicKey: JWK) {
    this.#algorithm = algorithm;
    this.#privateKey = privateKey;
    this.publicKey = publicKey;
  }

  static async create(algorithm = "ES256", kid = "1"): Promise<SigningClient> {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm };
    return new SigningClient(algorithm, privateKey, jwk);
  }

  /** @param claims Replace those of a good assertion; undefined leaves one out. */
  async assertion(
    id: string,
    audience: string,
    clock: TestClock,
    claims: Record<string, unknown> = {},
  ): Promise<string> {
    const now = Math.floor(clock.now() / 1000);
    const good = { iss: id, sub: id, aud: audience, iat: now, exp: now + 60, jti: randomUUID() };
    return new SignJWT({ ...good, ...claims })
      .setProtectedHeader({ alg: this.#algorithm, kid: this.publicKey.kid ?? "" })
      .sign(this.#privateKey);
  }

  /** The form fields of {@link assertion}. */
  async credentials(
    ...args: Parameters<SigningClient["assertion"]>
  ): Promise<Record<string, string>> {
    return {
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await this.assertion(...args),
    };
  }
}
