import { equalInConstantTime, sha256 } from "../../digest.ts";
import type { RequestContext } from "../../http/context.ts";
import { OAuthError } from "../oauth-error.ts";
import type { Client } from "./client.ts";
import { AssertionRefused, type ClientAssertions } from "./client-assertion.ts";
import { type ClientCredentials, clientCredentials } from "./client-credentials.ts";
import type { Clients } from "./clients.ts";

/**
 * Finds out which client sends a request.
 *
 * @throws OAuthError `invalid_client` or `invalid_request`
 */
export type AuthenticateClient = (
  request: Request,
  form: URLSearchParams,
  context: RequestContext,
) => Promise<Client>;

/**
 * Client authentication (RFC 6749 §2.3 and §3.2.1): a public client names itself, and what it presents is bound
 * to it; a confidential one proves that it is the one.
 */
export function clientAuthentication(deps: {
  clients: Clients;
  assertions: ClientAssertions;
}): AuthenticateClient {
  return async (request, form, context) => {
    const authorization = request.headers.get("authorization");
    try {
      const credentials = clientCredentials(authorization, form);
      const client = await deps.clients.find(credentials.clientId);
      if (client === undefined) {
        throw invalidClient("The client is not registered here. Register again.");
      }
      await checkCredentials(client, credentials, context);
      return client;
    } catch (error) {
      throw authorization !== null ? challenged(error) : error;
    }
  };

  async function checkCredentials(
    client: Client,
    credentials: ClientCredentials,
    { log }: RequestContext,
  ): Promise<void> {
    const fault = await faultOf(client, credentials);
    if (fault === undefined) return;
    log.audit("client-refused", { outcome: "denied", client: client.id, reason: fault.reason });
    throw invalidClient(fault.message, fault);
  }

  /** The switch is on what the client has to do; what it chose to do does not count. */
  async function faultOf(
    client: Client,
    credentials: ClientCredentials,
  ): Promise<{ reason: string; message: string; cause?: unknown } | undefined> {
    const { authentication } = client;
    const notAsRegistered = {
      reason: "not-as-registered",
      message: `The client is to authenticate by ${authentication.method}.`,
    };
    switch (authentication.method) {
      case "none":
        return credentials.kind === "none" ? undefined : notAsRegistered;
      case "client_secret_basic":
      case "client_secret_post":
        // Older SDKs post the secret whatever they have registered for; it is the same secret.
        if (credentials.kind !== "secret") return notAsRegistered;
        return credentials.secrets.some((secret) =>
          equalInConstantTime(sha256(secret), authentication.secretHash),
        )
          ? undefined
          : { reason: "wrong-secret", message: "The client secret is wrong." };
      case "private_key_jwt":
        if (credentials.kind !== "assertion") return notAsRegistered;
        try {
          await deps.assertions.accept(client, authentication, credentials.assertion);
          return undefined;
        } catch (cause) {
          if (!(cause instanceof AssertionRefused)) throw cause;
          return { reason: "assertion-refused", message: cause.message, cause };
        }
    }
  }
}

function invalidClient(description: string, { cause }: { cause?: unknown } = {}): OAuthError {
  return new OAuthError("invalid_client", description, { cause });
}

/** RFC 6749 §5.2: a client that tried the Authorization header is told of the scheme to use. */
function challenged(error: unknown): unknown {
  if (!(error instanceof OAuthError) || error.code !== "invalid_client") return error;
  return new OAuthError(error.code, error.message, {
    cause: error.cause,
    headers: { ...error.headers, "WWW-Authenticate": 'Basic realm="token", charset="UTF-8"' },
  });
}
