import type { Session } from "../sessions/sessions.ts";

/** An error whose message is for the person. Everything else that is thrown stays in the log. */
export class FeatureError extends Error {
  override name = "FeatureError";
  /** What a client gets where it is not the result of a tool: JSON-RPC's "invalid request". */
  readonly code = -32_600;
}

/** The arguments do not fit the tool's schema. */
export class InputInvalid extends FeatureError {
  override name = "InputInvalid";
}

/** The person lacks an app role. For a client that is an error like any other: no other scope would help. */
export class RoleMissing extends FeatureError {
  override name = "RoleMissing";

  constructor(role: string) {
    super(
      `This needs the app role "${role}", which an administrator assigns in Microsoft Entra ID.`,
    );
  }
}

/** @throws RoleMissing where `role` is one that the person of this session does not have. */
export function requireRole(role: string | undefined, { roles }: Session): void {
  if (role !== undefined && !roles.includes(role)) throw new RoleMissing(role);
}
