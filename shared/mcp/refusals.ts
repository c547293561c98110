import { EntraError } from "../entra/entra.ts";
import { GraphError } from "../entra/graph-error.ts";
import { FeatureError } from "../features/feature-errors.ts";
import { KeysUnavailable } from "../keys/key-wrapper.ts";
import type { Scope } from "../oauth/scopes.ts";
import { SignInOver } from "../sessions/sign-ins.ts";
import { StorageUnavailable } from "../storage/store.ts";

/** JSON-RPC 2.0 §5.1 */
export const INVALID_PARAMS = -32_602;
/** MCP 2025-11-25, resources; 2026-07-28 has invalid params in its place, which the SDK for it sees to. */
export const RESOURCE_NOT_FOUND = -32_002;

/** The client asked for a feature that is not there. The SDKs put `code` and `data` on the wire. */
export class UnknownFeature extends Error {
  override name = "UnknownFeature";
  readonly code: number = INVALID_PARAMS;
  readonly data: Readonly<Record<string, string>> | undefined;

  constructor(message: string, data?: Readonly<Record<string, string>>) {
    super(message);
    this.data = data;
  }
}

/** There is nothing to read at this URI. */
export class UnknownResource extends UnknownFeature {
  override name = "UnknownResource";
  override readonly code = RESOURCE_NOT_FOUND;

  constructor(uri: string) {
    super("Resource not found", { uri });
  }
}

/** What a client has sent back as the state of an earlier round is not ours, or not for this request, or old. */
export class StateInvalid extends Error {
  override name = "StateInvalid";
  readonly code = INVALID_PARAMS;
  readonly data = { reason: "invalid_request_state" };

  constructor(options?: ErrorOptions) {
    super("The requestState is invalid or has expired.", options);
  }
}

/** The client's grant does not cover what it asked for. */
export class ScopeMissing extends FeatureError {
  override name = "ScopeMissing";
  readonly scope: Scope;

  constructor(scope: Scope) {
    super(
      `This needs the permission "${scope}", which this app was not given. ` +
        "Disconnect the app from this server and connect it again to allow it.",
    );
    this.scope = scope;
  }
}

/** @returns What the person may read of whatever a feature has thrown. */
export function messageFor(error: unknown): string {
  if (error instanceof FeatureError || error instanceof GraphError) return error.message;
  if (error instanceof StorageUnavailable) return "The server cannot reach its storage right now.";
  if (error instanceof KeysUnavailable) return "The server cannot reach its keys right now.";
  if (error instanceof SignInOver) return `${error.message} Connect this app again to sign in.`;
  if (!(error instanceof EntraError)) return "Something went wrong on the server.";
  return error.kind === "transient" || error.kind === "configuration"
    ? "The server cannot reach Microsoft Entra ID right now. Try again in a moment."
    : "Your sign-in needs to be renewed. Disconnect this app from the server and connect it again.";
}
