import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { type Clock, epochSeconds } from "../clock.ts";
import type { Keyring } from "../keys/keyring.ts";
import { SIGNING_ALGORITHM } from "../keys/signing-key.ts";
import { formatScopes, parseScopes, type Scope } from "../oauth/scopes.ts";
import { type Random, randomId } from "../random.ts";
import type { Session } from "./sessions.ts";

/** RFC 9068 §2.1 */
const TYPE = "at+jwt";

const claims = z.object({
  aud: z.string(),
  sub: z.string(),
  sid: z.string(),
  client_id: z.string(),
  scope: z.string(),
  jti: z.string(),
  exp: z.number(),
});

/** What a valid access token says. No name, mail address or group is in it. */
export interface AccessToken {
  readonly userKey: string;
  readonly sessionId: string;
  readonly clientId: string;
  readonly scopes: readonly Scope[];
  readonly audience: string;
  readonly expiresAtSeconds: number;
}

/** A token that is not one of ours, or not any more. */
export class TokenInvalid extends Error {
  override name = "TokenInvalid";
  /** The scopes of a token of ours that has only expired: what a client should ask for again. */
  readonly expiredScopes: readonly Scope[] | undefined;

  constructor(message: string, options: ErrorOptions & { expiredScopes?: readonly Scope[] } = {}) {
    super(message, options);
    this.expiredScopes = options.expiredScopes;
  }
}

/** Makes and checks the access tokens of this server: JWTs (RFC 9068) that name a session. */
export class AccessTokens {
  readonly #keyring: Keyring;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #issuer: string;
  readonly ttlSeconds: number;

  constructor(deps: {
    keyring: Keyring;
    clock: Clock;
    random: Random;
    issuer: string;
    accessTokenTtlSeconds: number;
  }) {
    this.#keyring = deps.keyring;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#issuer = deps.issuer;
    this.ttlSeconds = deps.accessTokenTtlSeconds;
  }

  /** @returns A token, signed. @param audience One of the server's resources. */
  async issue(session: Session, scopes: readonly Scope[], audience: string): Promise<string> {
    const key = await this.#keyring.signingKey();
    const now = epochSeconds(this.#clock);
    return new SignJWT({
      sid: session.id,
      client_id: session.clientId,
      scope: formatScopes(scopes),
    })
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: TYPE, kid: key.kid })
      .setIssuer(this.#issuer)
      .setAudience(audience)
      .setSubject(session.userKey)
      .setIssuedAt(now)
      .setExpirationTime(now + this.ttlSeconds)
      .setJti(randomId(this.#random))
      .sign(key.privateKey);
  }

  /**
   * Checks signature, algorithm, type, issuer, audience and time. The session behind it is not looked at.
   *
   * @param audiences Of which one must be the token's.
   * @throws TokenInvalid
   */
  async verify(token: string, audiences: readonly string[]): Promise<AccessToken> {
    try {
      const { payload } = await jwtVerify(
        token,
        async ({ kid }) => {
          const key = await this.#keyring.signingKeyOf(kid ?? "");
          if (key === undefined) throw new TokenInvalid("The token was not signed by this server.");
          return key.publicJwk;
        },
        {
          algorithms: [SIGNING_ALGORITHM],
          typ: TYPE,
          issuer: this.#issuer,
          audience: [...audiences],
          currentDate: new Date(this.#clock.now()),
          requiredClaims: ["exp"],
        },
      );
      return toAccessToken(claims.parse(payload));
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) {
        const expired = claims.safeParse(cause.payload);
        throw new TokenInvalid("The token has expired.", {
          cause,
          ...(expired.success && { expiredScopes: parseScopes(expired.data.scope) ?? [] }),
        });
      }
      if (cause instanceof errors.JOSEError || cause instanceof z.ZodError) {
        throw new TokenInvalid("The token is not valid here.", { cause });
      }
      throw cause;
    }
  }
}

function toAccessToken(payload: z.infer<typeof claims>): AccessToken {
  return {
    userKey: payload.sub,
    sessionId: payload.sid,
    clientId: payload.client_id,
    scopes: parseScopes(payload.scope) ?? [],
    audience: payload.aud,
    expiresAtSeconds: payload.exp,
  };
}
