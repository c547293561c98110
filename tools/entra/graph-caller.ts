import { z } from "zod";
import { ACCOUNT_NAMES, ACCOUNTS, GRAPH_APP_ID } from "./directory.ts";
import type { Account } from "./directory.ts";
import { isChallenged } from "./faults.ts";
import { graphError } from "./graph-error.ts";
import { graphIssuer } from "./issue-tokens.ts";
import type { Call, StandIn } from "./stand-in.ts";

const GraphTokenSchema = z.object({
  iss: z.string(),
  oid: z.string(),
  scp: z.string(),
  appid: z.string(),
  exp: z.number(),
  nbf: z.number(),
  xms_cc: z.array(z.string()).optional(),
  stand_in: z.object({ serial: z.number(), challengeMet: z.boolean() }),
});

/** Who asks Graph, and by which token. */
export interface GraphCaller {
  readonly account: Account;
  /** The token's permissions. */
  readonly scopes: readonly string[];
  /** The application that the token was issued to. */
  readonly applicationId: string;
  /** When the token expires, in milliseconds. */
  readonly tokenExpiresAt: number;
}

/**
 * Checks the token of a Graph request: signature, audience, issuer, lifetime, then the claims challenge.
 *
 * @returns who asks, or the `401` to answer with
 */
export async function graphCaller(standIn: StandIn, call: Call): Promise<GraphCaller | Response> {
  const token = /^bearer (.+)$/i.exec(call.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) {
    return unauthorized(standIn, call, "Access token is empty.");
  }
  let claims: z.infer<typeof GraphTokenSchema>;
  try {
    const verified = await standIn.keys.verify("tokens", token, {
      audience: GRAPH_APP_ID,
      currentDate: standIn.now(),
      requiredClaims: ["exp", "nbf"],
    });
    claims = GraphTokenSchema.parse(verified);
  } catch (error) {
    const expired = error instanceof Error && error.name === "JWTExpired";
    return unauthorized(
      standIn,
      call,
      expired
        ? "Lifetime validation failed, the token is expired."
        : "Access token validation failure.",
    );
  }
  const account = ACCOUNT_NAMES.map((name) => ACCOUNTS[name]).find(
    ({ profile }) => profile.id === claims.oid,
  );
  if (!account || claims.iss !== graphIssuer(standIn, account)) {
    return unauthorized(standIn, call, "Access token validation failure. Invalid issuer.");
  }
  const capable = claims.xms_cc?.includes("cp1") ?? false;
  if (capable && isChallenged(standIn.switches, account.name, claims.stand_in)) {
    return challenge(standIn, call);
  }
  return {
    account,
    scopes: claims.scp.split(" "),
    applicationId: claims.appid,
    tokenExpiresAt: claims.exp * 1000,
  };
}

function unauthorized(standIn: StandIn, call: Call, message: string): Response {
  return graphError(standIn, call, 401, "InvalidAuthenticationToken", message, {
    "www-authenticate": bearer(standIn),
  });
}

/** The claims challenge of continuous access evaluation: base64 JSON, to be passed to the next authorization. */
function challenge(standIn: StandIn, call: Call): Response {
  const notBefore = String(Math.floor(standIn.now().getTime() / 1000));
  const claims = { access_token: { nbf: { essential: true, value: notBefore } } };
  const encoded = Buffer.from(JSON.stringify(claims)).toString("base64");
  return graphError(
    standIn,
    call,
    401,
    "InvalidAuthenticationToken",
    "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
    {
      "www-authenticate": `${bearer(standIn)}, error="insufficient_claims", claims="${encoded}"`,
    },
  );
}

function bearer(standIn: StandIn): string {
  return `Bearer realm="", authorization_uri="${standIn.base}/common/oauth2/authorize", client_id="${GRAPH_APP_ID}"`;
}
