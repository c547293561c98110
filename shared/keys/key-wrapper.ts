/**
 * The seam to the key that protects all others: it wraps exactly one thing, a data key of 32 bytes.
 * In Azure it is a key in Key Vault (`key-vault-wrapper.ts`), in development `LOCAL_KEY`
 * (`local-key-wrapper.ts`). Both pass `tests/keys/key-wrapper-contract.ts`.
 */
export interface KeyWrapper {
  /**
   * @returns The wrapped key and the id of the wrapping key that was used.
   * @throws KeysUnavailable
   */
  wrap(dataKey: Uint8Array<ArrayBuffer>): Promise<WrappedKey>;
  /**
   * @throws KeysUnavailable
   * @throws Error where the wrapping key is not the one that wrapped.
   */
  unwrap(wrapped: WrappedKey): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * @returns The id that {@link wrap} would name now: what was wrapped with another is to be wrapped anew.
   * @throws KeysUnavailable
   */
  currentId(): Promise<string>;
}

export interface WrappedKey {
  readonly wrappedWith: string;
  /** base64url */
  readonly wrapped: string;
}

export const DATA_KEY_BYTES = 32;

/** The wrapping key cannot be reached or used right now. Whoever asked may ask again. */
export class KeysUnavailable extends Error {
  override name = "KeysUnavailable";
}
