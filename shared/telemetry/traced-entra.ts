import {
  type CodeRedemption,
  type Entra,
  EntraError,
  type Identity,
  type SignInRequest,
} from "../entra/entra.ts";
import type { Telemetry } from "./telemetry.ts";

/** Entra, with a span for each thing that it is asked. One that MSAL answers from its cache is a short one. */
export class TracedEntra implements Entra {
  readonly #entra: Entra;
  readonly #telemetry: Telemetry;

  constructor(entra: Entra, telemetry: Telemetry) {
    this.#entra = entra;
    this.#telemetry = telemetry;
  }

  authorizationUrl(request: SignInRequest): Promise<string> {
    return this.#traced("authorizationUrl", () => this.#entra.authorizationUrl(request));
  }

  redeemCode(redemption: CodeRedemption): Promise<{ identity: Identity; tokenCache: string }> {
    return this.#traced("redeemCode", () => this.#entra.redeemCode(redemption));
  }

  confirm(sessionId: string, scopes: readonly string[]): Promise<{ roles: readonly string[] }> {
    return this.#traced("confirm", () => this.#entra.confirm(sessionId, scopes));
  }

  graphToken(
    sessionId: string,
    scopes: readonly string[],
    options?: { renew?: boolean },
  ): Promise<string> {
    return this.#traced("graphToken", () => this.#entra.graphToken(sessionId, scopes, options));
  }

  #traced<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const attributes = { "peer.service": "entra" };
    const options = { name: `entra ${operation}`, kind: "client" as const, attributes };
    return this.#telemetry.span(options, async (span) => {
      try {
        return await work();
      } catch (error) {
        // Entra's number, which an administrator can look up.
        if (error instanceof EntraError) span.set({ "entra.error": error.reason });
        throw error;
      }
    });
  }
}
