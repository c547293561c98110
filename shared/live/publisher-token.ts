import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import { discoverAuthority } from "../entra/discovery.ts";
import { EntraError } from "../entra/entra.ts";
import { OAuthError } from "../oauth/oauth-error.ts";

/** What an administrator assigns to a program that may publish. */
export const PUBLISH_ROLE = "Mcp.Publish";

/** Entra's clock and ours need not agree to the second. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** What jose says where the keys cannot be had: it has looked at no token then. */
const WITHOUT_KEYS: ReadonlySet<string> = new Set([
  errors.JOSEError.code,
  errors.JWKSTimeout.code,
  errors.JWKSInvalid.code,
]);

/** A program of the same tenant, known by its token. */
export interface Publisher {
  readonly tenantId: string;
  /** The object id of its service principal. */
  readonly objectId: string;
}

/** What of the app's registration says whose tokens are good. */
interface Registration {
  readonly authorityUrl: string;
  /** The tenant that the registration is in; nobody may publish where it is not known. */
  readonly homeTenantId: string | undefined;
  readonly clientId: string;
}

const claimsSchema = z.object({
  tid: z.guid(),
  oid: z.guid(),
  /** An optional claim, which the app registration asks for: it tells programs from people for certain. */
  idtyp: z.string().optional(),
  roles: z.array(z.string()).default([]),
  /** Only a person's token has it. */
  scp: z.unknown().optional(),
});

const authorityMetadata = z.object({ jwks_uri: z.url() });

type KeySource = ReturnType<typeof createRemoteJWKSet>;

/**
 * The tokens with which other systems publish: Entra's own, made for this app, for a program. They are the
 * one exception to "only our own tokens", and good for nothing but `/publish`.
 */
export class PublisherTokens {
  readonly #entra: Registration;
  readonly #clock: Clock;
  #authority: Promise<{ issuer: string; keys: KeySource }> | undefined;

  constructor(deps: { entra: Registration; clock: Clock }) {
    this.#entra = deps.entra;
    this.#clock = deps.clock;
  }

  /**
   * @throws OAuthError `invalid_token` for what is no token of the tenant for this app; `insufficient_scope`
   *   for one that is, and that does not allow to publish. EntraError where the keys cannot be had.
   */
  async check(request: Request): Promise<Publisher> {
    const [, token] = /^Bearer +([\w.-]+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    if (token === undefined) throw invalidToken("Send an access token of Microsoft Entra ID.");
    const { homeTenantId } = this.#entra;
    if (homeTenantId === undefined) {
      throw invalidToken("Nobody may publish here: the server does not know its home tenant.");
    }
    const claims = claimsSchema.safeParse(await this.#verified(token, homeTenantId));
    // A multi-tenant app has people of many tenants, but publishers of its own only: whoever runs another
    // tenant assigns roles there.
    if (!claims.success || claims.data.tid !== homeTenantId) {
      throw invalidToken("The token is not one of a program of this tenant.");
    }
    const { tid, oid, idtyp, roles, scp } = claims.data;
    if (idtyp !== "app" || scp !== undefined || !roles.includes(PUBLISH_ROLE)) {
      throw new OAuthError(
        "insufficient_scope",
        `Only a program with the app role ${PUBLISH_ROLE} may publish.`,
        { headers: { "WWW-Authenticate": `Bearer error="insufficient_scope"` } },
      );
    }
    return { tenantId: tid, objectId: oid };
  }

  async #verified(token: string, homeTenantId: string): Promise<JWTPayload> {
    const { issuer, keys } = await this.#known(homeTenantId);
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ["RS256"],
        audience: this.#entra.clientId,
        issuer,
        currentDate: new Date(this.#clock.now()),
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ["exp"],
      });
      return payload;
    } catch (error) {
      if (!(error instanceof errors.JOSEError) || WITHOUT_KEYS.has(error.code)) {
        throw new EntraError("transient", undefined, { cause: error });
      }
      throw invalidToken("The token is not good for this server.", error);
    }
  }

  /** Read when they are first needed, and again after a failure. */
  #known(homeTenantId: string): Promise<{ issuer: string; keys: KeySource }> {
    this.#authority ??= this.#discover(homeTenantId).catch((error: unknown) => {
      this.#authority = undefined;
      throw error;
    });
    return this.#authority;
  }

  async #discover(homeTenantId: string): Promise<{ issuer: string; keys: KeySource }> {
    const { issuer, authorityMetadata: document } = await discoverAuthority(
      this.#entra.authorityUrl,
      homeTenantId,
    );
    const { jwks_uri: url } = authorityMetadata.parse(JSON.parse(document));
    return { issuer, keys: createRemoteJWKSet(new URL(url), { timeoutDuration: 5_000 }) };
  }
}

function invalidToken(description: string, cause?: unknown): OAuthError {
  return new OAuthError("invalid_token", description, {
    headers: { "WWW-Authenticate": `Bearer error="invalid_token"` },
    ...(cause !== undefined && { cause }),
  });
}
