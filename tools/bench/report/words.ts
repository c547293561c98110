/** @returns Milliseconds, as exactly as they are known. */
export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** @returns A number of calls a second, or of anything that there are many of. */
export function many(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** @returns A number of storage operations. */
export function count(value: number): string {
  if (value === 0) return "0";
  return value < 0.1 ? value.toFixed(4) : value.toFixed(value < 10 ? 2 : 1);
}

/** @returns A share, in per cent. */
export function share(value: number): string {
  return `${Math.round(value * 100)} %`;
}

/** @returns A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const ruler = head.map((_, n) => (n === 0 ? "---" : "--:"));
  return [head, ruler, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
