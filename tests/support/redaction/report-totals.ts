import type { Reporter, TestModule } from "vitest/node";

/** Says at the end of a run how much was searched. A leak has failed its own file by then. */
export class RedactionTotals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let lines = 0;
    let secrets = 0;
    for (const module of modules) {
      lines += module.meta().redaction?.lines ?? 0;
      secrets += module.meta().redaction?.secrets ?? 0;
    }
    console.log(`  Redaction  ${lines} lines of logs searched for ${secrets} secrets`);
  }
}
