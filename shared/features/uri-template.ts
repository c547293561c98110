/**
 * Reads a URI by a template such as `feed://{topic}`: each variable stands for what is between two slashes
 * (RFC 6570 §3.2.2, simple expansion, which is all that is offered here).
 *
 * @returns The variables' values, decoded; undefined for a URI that is another's.
 */
export function matchUri(
  template: string,
  uri: string,
): Readonly<Record<string, string>> | undefined {
  const names = templateVariables(template);
  const literals = template.split(/\{[^}]*\}/).map((literal) => RegExp.escape(literal));
  const match = new RegExp(`^${literals.join("([^/?#]+)")}$`).exec(uri);
  if (match === null) return undefined;
  try {
    return Object.fromEntries(
      names.map((name, n) => [name, decodeURIComponent(match[n + 1] ?? "")]),
    );
  } catch {
    // A percent sign that begins nothing.
    return undefined;
  }
}

/** @returns The names of a template's variables, in their order. */
function templateVariables(template: string): string[] {
  return [...template.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name ?? "");
}
