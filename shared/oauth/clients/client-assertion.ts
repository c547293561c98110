import { errors, type JWTPayload, jwtVerify } from "jose";
import { type Clock, epochSeconds } from "../../clock.ts";
import { ASSERTION_ALGORITHMS, type Client, type ClientAuthentication } from "./client.ts";
import { DocumentRefused, DocumentUnavailable } from "./document-fetch.ts";
import type { KeySets } from "./key-sets.ts";
import type { UsedAssertions } from "./used-assertions.ts";
import { OAuthError } from "../oauth-error.ts";

/** RFC 7521 §4.2 */
export const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** For clocks that differ. */
const TOLERANCE_SECONDS = 30;
/** What is accepted for longer must be remembered for longer. */
const MAX_LIFETIME_SECONDS = 600;
const MAX_JTI_LENGTH = 256;

export type PrivateKeyJwt = Extract<ClientAuthentication, { method: "private_key_jwt" }>;

/** The assertion does not prove anything. The message is for the client's developer. */
export class AssertionRefused extends Error {
  override name = "AssertionRefused";
}

/** Authentication by a JWT that the client signs, `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9). */
export class ClientAssertions {
  readonly #keySets: KeySets;
  readonly #used: UsedAssertions;
  readonly #clock: Clock;
  readonly #audiences: readonly string[];

  constructor(deps: { keySets: KeySets; used: UsedAssertions; clock: Clock; issuer: string }) {
    this.#keySets = deps.keySets;
    this.#used = deps.used;
    this.#clock = deps.clock;
    this.#audiences = [deps.issuer, `${deps.issuer}/token`, `${deps.issuer}/revoke`];
  }

  /**
   * Accepts an assertion of `client`, once.
   *
   * @throws AssertionRefused; OAuthError `temporarily_unavailable` while the client's keys cannot be read.
   */
  async accept(client: Client, { keys, algorithm }: PrivateKeyJwt, assertion: string) {
    const payload = await this.#verify(client, { keys, algorithm }, assertion);
    this.#checkAudience(payload);
    const expiresAt = this.#checkLifetime(payload);
    const { jti } = payload;
    if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI_LENGTH) {
      throw new AssertionRefused(`jti must be 1 to ${MAX_JTI_LENGTH} characters.`);
    }
    if (!(await this.#used.use(client.id, jti, expiresAt))) {
      throw new AssertionRefused("The assertion has been used before.");
    }
  }

  async #verify(
    client: Client,
    { keys, algorithm }: Pick<PrivateKeyJwt, "keys" | "algorithm">,
    assertion: string,
  ): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(assertion, this.#keySets.of(keys), {
        algorithms: algorithm === undefined ? [...ASSERTION_ALGORITHMS] : [algorithm],
        issuer: client.id,
        subject: client.id,
        requiredClaims: ["aud", "exp", "jti"],
        currentDate: new Date(this.#clock.now()),
        clockTolerance: TOLERANCE_SECONDS,
      });
      return payload;
    } catch (cause) {
      throw refusal(cause);
    }
  }

  /** Each of them: an assertion that is good elsewhere too may have come from there. */
  #checkAudience({ aud }: JWTPayload): void {
    const audiences = [aud ?? []].flat();
    if (audiences.length === 0 || !audiences.every((value) => this.#audiences.includes(value))) {
      throw new AssertionRefused("aud must be the issuer, or the endpoint that it is sent to.");
    }
  }

  /** @returns Until when it is accepted (ms). */
  #checkLifetime({ exp = 0 }: JWTPayload): number {
    if (exp > epochSeconds(this.#clock) + MAX_LIFETIME_SECONDS + TOLERANCE_SECONDS) {
      throw new AssertionRefused(`exp must be ${MAX_LIFETIME_SECONDS} seconds ahead at most.`);
    }
    return (exp + TOLERANCE_SECONDS) * 1_000;
  }
}

function refusal(cause: unknown): Error {
  if (cause instanceof DocumentUnavailable) {
    return new OAuthError("temporarily_unavailable", `The document at jwks_uri ${cause.message}.`, {
      cause,
      headers: { "Retry-After": "30" },
    });
  }
  if (cause instanceof DocumentRefused) {
    return new AssertionRefused(`The document at jwks_uri ${cause.message}.`, { cause });
  }
  if (cause instanceof errors.JWTClaimValidationFailed || cause instanceof errors.JWTExpired) {
    return new AssertionRefused(`The assertion is not valid: ${cause.claim}.`, { cause });
  }
  if (cause instanceof errors.JWKSMultipleMatchingKeys) {
    return new AssertionRefused("Several keys fit; name one by kid.", { cause });
  }
  // Everything else is about the client's own key or signature, whatever the library throws.
  return new AssertionRefused("The assertion cannot be verified.", { cause });
}
