/**
 * `$select`: the named properties of an object.
 *
 * @param source the whole object
 * @param names the properties asked for; Graph ignores their case
 * @returns the properties, or the first name that the object does not have
 */
export function pickProperties(
  source: object,
  names: readonly string[],
): { properties: Record<string, unknown> } | { unknown: string } {
  const entries = Object.entries(source) as [string, unknown][];
  const properties: Record<string, unknown> = {};
  for (const name of names) {
    const found = entries.find(([key]) => key.toLowerCase() === name.toLowerCase());
    if (!found) {
      return { unknown: name };
    }
    properties[found[0]] = found[1];
  }
  return { properties };
}
