import { describe, it } from "vitest";

/**
 * A standard as a table of rules, and a test for each: the compiler sees to it that none is left out.
 *
 * @param rules What each test is called: the rule and where it is written. A deliberate deviation says so, and names its
 *   ADR.
 */
export function holdsEvery<Rule extends string>(
  standard: string,
  rules: Readonly<Record<Rule, string>>,
  tests: Readonly<Record<NoInfer<Rule>, () => void | Promise<void>>>,
): void {
  describe(standard, () => {
    for (const rule of Object.keys(rules) as Rule[]) it(rules[rule], tests[rule]);
  });
}
