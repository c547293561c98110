/**
 * The seam to the key that protects all others: it wraps exactly one thing, a data key of 32 bytes.
 * In development it is `LOCAL_KEY` (`local-key-wrapper.ts`).
 */
export interface KeyWrapper {
  /** @returns The wrapped key and the id of the wrapping key that was used. */
  wrap(dataKey: Uint8Array<ArrayBuffer>): Promise<WrappedKey>;
  /** @throws Error where the wrapping key is not the one that wrapped. */
  unwrap(wrapped: WrappedKey): Promise<Uint8Array<ArrayBuffer>>;
}

export interface WrappedKey {
  readonly wrappedWith: string;
  /** base64url */
  readonly wrapped: string;
}

export const DATA_KEY_BYTES = 32;
