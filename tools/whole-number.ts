/**
 * Reads the value of a flag of the command line.
 *
 * @returns The number, or undefined where the flag is not given.
 * @throws Error for what is no whole number from `min` to `max`, in words for who has typed it.
 */
export function wholeNumber(
  flag: string,
  text: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < min || number > max) {
    throw new Error(`${flag} takes a whole number from ${min} to ${max}, not "${text}".`);
  }
  return number;
}
