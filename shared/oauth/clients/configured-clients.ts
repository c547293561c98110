import { z } from "zod";
import { sha256 } from "../../digest.ts";
import { OAuthError } from "../oauth-error.ts";
import type { Client } from "./client.ts";
import { type ClientMetadata, parseClientMetadata } from "./client-metadata.ts";

/** 128 random bits in base64url. */
const MIN_SECRET_LENGTH = 22;

const entry = z.looseObject({
  // Characters that are the same however a client encodes them in an Authorization header.
  client_id: z.string().regex(/^[A-Za-z0-9._~-]{1,200}$/, "1 to 200 letters, digits and . _ ~ -"),
  client_secret: z.string().min(MIN_SECRET_LENGTH).optional(),
  token_endpoint_auth_method: z.string().optional(),
});

/**
 * `REGISTERED_CLIENTS`: clients that the operator knows, as a JSON array of registrations (RFC 7591 §2) with
 * `client_id`. No fault that it names contains what it was given: there are secrets in it.
 */
export const configuredClients = z.string().transform((text, context): readonly Client[] => {
  const fault = (message: string) => context.addIssue({ code: "custom", message });
  const entries = z.array(z.unknown()).safeParse(parseJson(text));
  if (!entries.success) {
    fault("must be a JSON array of clients");
    return z.NEVER;
  }
  const clients = new Map<string, Client>();
  for (const [index, given] of entries.data.entries()) {
    try {
      const client = parseEntry(given);
      if (clients.has(client.id)) fault(`[${index}] client_id: is there twice`);
      clients.set(client.id, client);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      fault(`[${index}] ${error.message}`);
    }
  }
  return [...clients.values()];
});

function parseEntry(given: unknown): Client {
  const parsed = entry.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not valid"}`);
  }
  const { client_id: id, client_secret: secret, ...rest } = parsed.data;
  const metadata = parseClientMetadata({
    // Who is given a secret is meant to use it.
    ...(secret !== undefined && { token_endpoint_auth_method: "client_secret_basic" }),
    ...rest,
  });
  const { name, uri, redirectUris } = metadata;
  const authentication = withSecret(metadata, secret);
  return { id, name: name ?? id, uri, redirectUris, authentication, trusted: true };
}

function withSecret(
  { authentication }: ClientMetadata,
  secret: string | undefined,
): Client["authentication"] {
  switch (authentication.method) {
    case "none":
    case "private_key_jwt":
      if (secret !== undefined) throw invalid(`client_secret: ${authentication.method} has none`);
      return authentication;
    case "client_secret_basic":
    case "client_secret_post":
      if (secret === undefined) throw invalid(`client_secret: ${authentication.method} needs one`);
      return { method: authentication.method, secretHash: sha256(secret) };
  }
}

function invalid(description: string): OAuthError {
  return new OAuthError("invalid_client_metadata", description);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
