import { z } from "zod";
import { OAuthError } from "../oauth-error.ts";
import type { Client } from "./client.ts";
import { parseClientMetadata } from "./client-metadata.ts";
import { DocumentRefused } from "./document-fetch.ts";

const document = z.looseObject({ client_id: z.string() });

/**
 * Reads a client-id metadata document (draft-ietf-oauth-client-id-metadata-document §4).
 *
 * @param url Where it was fetched from: the client id.
 * @throws DocumentRefused
 */
export function parseMetadataDocument(url: string, body: unknown): Client {
  const parsed = document.safeParse(body);
  // Compared as text: a document speaks for its own URL only.
  if (!parsed.success || parsed.data.client_id !== url) {
    throw new DocumentRefused("does not have its own URL as client_id");
  }
  // Whatever everybody can read is no secret.
  if ("client_secret" in parsed.data || "client_secret_expires_at" in parsed.data) {
    throw new DocumentRefused("has a client_secret, which a public document cannot");
  }
  const { name, uri, redirectUris, authentication } = metadataOf(parsed.data);
  if (authentication.method !== "none" && authentication.method !== "private_key_jwt") {
    throw new DocumentRefused(
      "has a token_endpoint_auth_method that needs a secret; use none or private_key_jwt",
    );
  }
  // MCP authorization, client-id metadata documents: a document has to have one.
  if (name === undefined) throw new DocumentRefused("has no client_name");
  const { host } = new URL(url);
  return { id: url, name, uri, redirectUris, authentication, host };
}

function metadataOf(body: unknown): ReturnType<typeof parseClientMetadata> {
  try {
    return parseClientMetadata(body);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    throw new DocumentRefused(`is not valid: ${error.message}`, { cause: error });
  }
}
