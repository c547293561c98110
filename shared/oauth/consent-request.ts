import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Sealer } from "../keys/seal.ts";
import { authorizationRequest, type AuthorizationRequest } from "./authorization-request.ts";

const CONSENT_TTL_MS = 600_000;

/** Not bound to a row: it lives in the form. */
const BINDING = "consent-form";

const consentRequest = z.object({
  request: authorizationRequest,
  /** The value of the browser's CSRF cookie. */
  csrf: z.string(),
  expiresAt: z.number(),
});

/**
 * The checked authorization request, sealed into the consent form. Until the person has approved, the
 * server keeps nothing: an unanswered consent page costs no storage.
 */
export class ConsentRequests {
  readonly #sealer: Sealer;
  readonly #clock: Clock;

  constructor(deps: { sealer: Sealer; clock: Clock }) {
    this.#sealer = deps.sealer;
    this.#clock = deps.clock;
  }

  /** @returns The value of the form's hidden field, good for ten minutes. */
  seal(request: AuthorizationRequest, csrf: string): Promise<string> {
    const expiresAt = this.#clock.now() + CONSENT_TTL_MS;
    const text = JSON.stringify({ request, csrf, expiresAt });
    return this.#sealer.seal("consent-request", BINDING, text);
  }

  /** @returns What was sealed, or undefined where it is not ours or too old. */
  async open(sealed: string): Promise<{ request: AuthorizationRequest; csrf: string } | undefined> {
    const opened = await this.#sealer.openJson("consent-request", BINDING, sealed, consentRequest);
    return opened !== undefined && this.#clock.now() < opened.expiresAt ? opened : undefined;
  }
}
