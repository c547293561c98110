import { hash, timingSafeEqual } from "node:crypto";

/** @returns The SHA-256 of `text`, base64url. What is stored in place of a secret of 256 random bits. */
export function sha256(text: string): string {
  return hash("sha256", text, "base64url");
}

/** Compares two strings in time that does not depend on where they differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
