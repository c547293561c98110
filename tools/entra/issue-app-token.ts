import { randomBytes } from "node:crypto";
import { APPLICATION } from "./directory.ts";
import type { ServicePrincipal } from "./service-principals.ts";
import type { StandIn } from "./stand-in.ts";

/** How the client proved who it is: the claim `azpacr`. */
export type ClientProof = "secret" | "assertion";

/**
 * Issues a token for our application that another program has as itself. It differs from a person's in what it has
 * (`idtyp: "app"`, perhaps `roles`) and in what it has not (`scp`). `idtyp` is an optional claim in Entra; the
 * registration has to ask for it.
 *
 * @param ttlSeconds how long it lives
 */
export async function issueAppToken(
  standIn: StandIn,
  principal: ServicePrincipal,
  proof: ClientProof,
  ttlSeconds: number,
): Promise<string> {
  const now = Math.floor(standIn.now().getTime() / 1000);
  const token = await standIn.keys.sign("tokens", {
    aud: APPLICATION.clientId,
    iss: `${standIn.base}/${principal.tenant.id}/v2.0`,
    iat: now,
    nbf: now,
    exp: now + ttlSeconds,
    azp: principal.clientId,
    azpacr: proof === "secret" ? "1" : "2",
    idtyp: "app",
    oid: principal.id,
    // As in Entra, the claim is absent, not empty, where no role is assigned.
    ...(principal.roles.length > 0 && { roles: [...principal.roles] }),
    sub: principal.id,
    tid: principal.tenant.id,
    uti: randomBytes(16).toString("base64url"),
    ver: "2.0",
  });
  standIn.ledger.record({ kind: "access_token", account: null, value: token });
  return token;
}
