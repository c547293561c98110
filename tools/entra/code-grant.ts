import { createHash } from "node:crypto";
import { AadError } from "./aad-error.ts";
import type { IssuedCode } from "./codes.ts";
import type { Application } from "./directory.ts";
import type { Redeemed } from "./redeemed.ts";
import { formOf } from "./stand-in.ts";
import type { Call, StandIn } from "./stand-in.ts";

/**
 * Checks an authorization code (RFC 6749 §4.1.3): known, this client's, not redeemed, not expired, the same
 * redirect URI, and the PKCE verifier.
 *
 * @throws AadError 90014, 9002313 (unknown), 70000 (another client's), 54005, 70008, 500112, 50148, 501481
 */
export async function redeemCode(
  standIn: StandIn,
  call: Call,
  application: Application,
): Promise<Redeemed> {
  const form = formOf(call);
  const presented = form.get("code");
  if (!presented) {
    throw new AadError(90014, { detail: "code" });
  }
  const code = standIn.codes.find(presented);
  if (!code) {
    throw new AadError(9002313);
  }
  if (code.grant.clientId !== application.clientId) {
    throw new AadError(70000);
  }
  if (code.redeemed) {
    throw new AadError(54005);
  }
  if (code.expiresAt <= standIn.now().getTime()) {
    throw new AadError(70008);
  }
  const redirectUri = form.get("redirect_uri") ?? "";
  if (redirectUri !== code.redirectUri) {
    throw new AadError(500112, { redirectUri });
  }
  const verifier = form.get("code_verifier");
  checkVerifier(code, verifier);
  if (verifier !== null) {
    standIn.ledger.record({ kind: "code_verifier", account: code.grant.account, value: verifier });
  }
  return {
    grant: code.grant,
    nonce: code.nonce,
    clientInfo: code.clientInfo,
    commit: () => {
      code.redeemed = true;
    },
  };
}

// RFC 7636 §4.6: BASE64URL-ENCODE(SHA256(ASCII(code_verifier))) == code_challenge.
function checkVerifier(code: IssuedCode, verifier: string | null): void {
  if (code.codeChallenge === undefined && verifier === null) {
    return;
  }
  if (verifier === null || code.codeChallenge === undefined) {
    throw new AadError(50148);
  }
  const computed = createHash("sha256").update(verifier).digest("base64url");
  if (computed !== code.codeChallenge) {
    throw new AadError(501481);
  }
}
