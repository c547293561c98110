import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { Keyring } from "../../shared/keys/keyring.ts";
import { LocalKeyWrapper } from "../../shared/keys/local-key-wrapper.ts";
import { systemRandom } from "../../shared/random.ts";
import type { TestApp } from "./test-app.ts";

/**
 * Changes an access token and signs it again, with the server's own key: a test sees that it is the
 * change that is refused, and not the signature.
 *
 * @param claims Replace the token's; undefined takes one out. So does `header`.
 */
export async function resign(
  { app, store, clock }: TestApp,
  token: string,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  const { wrappingKey } = app.config;
  if (!("localKey" in wrappingKey)) throw new TypeError("the test app has a LOCAL_KEY");
  const wrapper = new LocalKeyWrapper(wrappingKey.localKey);
  const keyring = new Keyring({ store, wrapper, clock, random: systemRandom });
  const { privateKey } = await keyring.signingKey();
  return new SignJWT({ ...decodeJwt(token), ...claims })
    .setProtectedHeader({ alg: "ES256", ...decodeProtectedHeader(token), ...header })
    .sign(privateKey);
}
