import { z } from "zod";

/** An entity holds 1 MiB, which is 512 Ki characters, its other properties included. */
const MAX_CHARACTERS = 450_000;

/** What one row holds of a text, beside what else is in it. */
const ROWS = /.{1,400000}/g;

/** A property holds 64 KiB, which is 32 Ki characters; here counted in code points of two at most. */
const PARTS = /[\s\S]{1,15000}/gu;

/** A text that is too long for one property of a row, in as many as it takes: `part0`, `part1`, … */
export const longText = z
  .object({ parts: z.number().int().min(0) })
  .catchall(z.union([z.string(), z.number()]));

export type LongText = { parts: number } & Record<string, string | number>;

/** @throws RangeError for what does not fit into a row. */
export function splitText(text: string): LongText {
  if (text.length > MAX_CHARACTERS) throw new RangeError("the text does not fit into a row");
  const parts = text.match(PARTS) ?? [];
  const value: LongText = { parts: parts.length };
  for (const [n, part] of parts.entries()) value[partName(n)] = part;
  return value;
}

/** @returns The text that {@link splitText} took apart. */
export function joinText(value: z.infer<typeof longText>): string {
  return Array.from({ length: value.parts }, (_, n) => value[partName(n)]).join("");
}

/**
 * @param text Without line breaks, as what is sealed.
 * @returns The text in as many pieces as it takes rows; each goes through {@link splitText}.
 */
export function inRows(text: string): string[] {
  return text.match(ROWS) ?? [];
}

function partName(n: number): string {
  return `part${n}`;
}
