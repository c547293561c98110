import type { JSONWebKeySet } from "jose";

/** A client, wherever its description comes from. */
export interface Client {
  readonly id: string;
  /** The client's own claim. */
  readonly name: string;
  readonly uri?: string | undefined;
  readonly redirectUris: readonly string[];
  readonly authentication: ClientAuthentication;
  /** The host that publishes the client's metadata document: the one thing about a client that is verified. */
  readonly host?: string | undefined;
  /** The operator has entered it, and so stands for where its redirect URIs lead. */
  readonly trusted?: boolean | undefined;
}

/** How a client proves at `/token` and `/revoke` that it is the one. */
export type ClientAuthentication =
  | { readonly method: "none" }
  | {
      readonly method: "client_secret_basic" | "client_secret_post";
      /** SHA-256, base64url. */
      readonly secretHash: string;
    }
  | {
      readonly method: "private_key_jwt";
      readonly keys: ClientKeys;
      /** The only algorithm that the client signs with, where it has named one. */
      readonly algorithm?: AssertionAlgorithm | undefined;
    };

/** The public keys of a client: in its metadata, or at a URL of its own. */
export type ClientKeys = { readonly jwks: JSONWebKeySet } | { readonly jwksUri: string };

export const AUTHENTICATION_METHODS = [
  "none",
  "client_secret_basic",
  "client_secret_post",
  "private_key_jwt",
] as const;

/** What assertions may be signed with: asymmetric algorithms only (RFC 8725 §3.1). */
export const ASSERTION_ALGORITHMS = ["ES256", "ES384", "PS256", "RS256", "EdDSA"] as const;

export type AssertionAlgorithm = (typeof ASSERTION_ALGORITHMS)[number];
