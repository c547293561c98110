/** @returns The key that the tool `work` was called with, as its answer has it. */
export function workKey(answer: unknown): string | undefined {
  return (answer as { structuredContent?: { key?: string } }).structuredContent?.key;
}
