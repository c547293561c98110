import { z } from "zod";
import type { Key } from "../../storage/store.ts";
import { ASSERTION_ALGORITHMS, AUTHENTICATION_METHODS, type Client } from "./client.ts";
import type { ClientMetadata } from "./client-metadata.ts";
import { keySet } from "./key-set.ts";

/** A registration as the `clients` table holds it. */
export const registrationRow = z.object({
  name: z.string(),
  uri: z.string().optional(),
  redirectUris: z.string(),
  authMethod: z.enum(AUTHENTICATION_METHODS).default("none"),
  secretHash: z.string().optional(),
  jwks: z.string().optional(),
  jwksUri: z.string().optional(),
  algorithm: z.enum(ASSERTION_ALGORITHMS).optional(),
  registeredAt: z.number(),
  expiresAt: z.number(),
});

export type RegistrationRow = z.infer<typeof registrationRow>;

const redirectUris = z.array(z.string());

/**
 * What this server issued as a client id; anything else is not looked up. The short form has a row of its own,
 * the long one names the row that it shares and then itself.
 */
const CLIENT_ID = /^([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{22})?$/;

/** What of it the client has said. */
export type RowMetadata = Omit<RegistrationRow, "registeredAt" | "expiresAt">;

/** @returns What is kept of a client's metadata. */
export function toRow({
  name,
  uri,
  redirectUris: uris,
  authentication,
}: ClientMetadata): RowMetadata {
  return {
    name: name ?? "Unnamed client",
    uri,
    redirectUris: JSON.stringify(uris),
    authMethod: authentication.method,
    ...(authentication.method === "private_key_jwt" && {
      algorithm: authentication.algorithm,
      ...("jwksUri" in authentication.keys
        ? { jwksUri: authentication.keys.jwksUri }
        : { jwks: JSON.stringify(authentication.keys.jwks) }),
    }),
  };
}

/** @returns The client that a row describes, under one of its ids. */
export function toClient(id: string, value: RowMetadata): Client {
  return {
    id,
    name: value.name,
    uri: value.uri,
    redirectUris: redirectUris.parse(JSON.parse(value.redirectUris)),
    authentication: toAuthentication(value),
  };
}

function toAuthentication(value: RowMetadata): Client["authentication"] {
  const { authMethod: method, secretHash = "", jwks, jwksUri, algorithm } = value;
  switch (method) {
    case "none":
      return { method };
    case "client_secret_basic":
    case "client_secret_post":
      return { method, secretHash };
    case "private_key_jwt": {
      const keys =
        jwksUri === undefined ? { jwks: keySet.parse(JSON.parse(jwks ?? "")) } : { jwksUri };
      return { method, keys, algorithm };
    }
  }
}

/** @returns Equal text for public clients that say the same. */
export function fingerprint({ name, uri, redirectUris: uris, authMethod }: RowMetadata): string {
  return JSON.stringify([authMethod, name, uri ?? null, uris]);
}

/** @returns Where the client of that id is kept, or undefined where this server never issued such an id. */
export function keyOf(id: string): Key | undefined {
  const [, partition, own] = CLIENT_ID.exec(id) ?? [];
  if (partition === undefined) return undefined;
  return { partition, row: own === undefined ? "registration" : "shared" };
}
