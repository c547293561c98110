/** What a scenario of the conformance suite came to. */
export interface Scenario {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
}

/**
 * Reads what the conformance suite prints at its end.
 *
 * @returns The scenarios that count, whether they have passed or not.
 */
export function scoredScenarios(output: string): Scenario[] {
  const [, summary = ""] = output.split("=== SUMMARY ===");
  const [all = "", unscored = ""] = summary.split(/^Not scored for /m);
  const left = new Set([...unscored.matchAll(/^ {2}[✓✗] (\S+) \(/gm)].map(([, name]) => name));
  return [...all.matchAll(/^[✓✗] (\S+): (\d+) passed, (\d+) failed/gm)]
    .map(([, name = "", passed, failed]) => ({
      name,
      passed: Number(passed),
      failed: Number(failed),
    }))
    .filter(({ name }) => !left.has(name));
}
