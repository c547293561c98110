// npm run check:infra
import { bicepVersion, compileBicep } from "./infra/bicep-compiler.ts";
import { checkInfra } from "./infra/check-infra.ts";
import { describeFault } from "./infra/fault.ts";
import { ROOT } from "./stack/command-line.ts";

const compiler = bicepVersion();
const faults = [...(await checkInfra(ROOT)), ...(compiler === undefined ? [] : compileBicep(ROOT))];
for (const fault of faults) console.error(describeFault(fault));
if (faults.length > 0) {
  console.error(`\n${faults.length} fault(s) in the infrastructure.`);
  process.exitCode = 1;
} else {
  console.log(
    compiler === undefined
      ? "The infrastructure is sound, as far as can be told without the Bicep compiler."
      : `The infrastructure is sound, and ${compiler} builds it.`,
  );
}
