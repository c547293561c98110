import { readBicepFiles } from "./bicep-files.ts";
import { checkAzd } from "./check-azd.ts";
import { checkEntraApp } from "./check-entra-app.ts";
import { checkIds } from "./check-ids.ts";
import { checkModules } from "./check-modules.ts";
import { checkQueries } from "./check-queries.ts";
import { checkResources } from "./check-resources.ts";
import { checkSettings } from "./check-settings.ts";
import { checkSymbols } from "./check-symbols.ts";
import type { Fault } from "./fault.ts";
import { committedTypes } from "./resource-types.ts";

/**
 * Everything that can be known of the infrastructure without a compiler and without a network.
 *
 * @param root The project's folder.
 */
export async function checkInfra(root: URL): Promise<Fault[]> {
  const files = await readBicepFiles(root);
  const broken = files.flatMap(({ faults }) => faults);
  // What does not parse is not what it seems to be either.
  if (broken.length > 0) return broken;
  const types = committedTypes();
  return [
    ...files.flatMap((file) => [
      ...checkResources(file, types),
      ...checkSymbols(file),
      ...checkIds(file),
    ]),
    ...checkModules(files, root),
    ...checkEntraApp(files),
    ...(await checkSettings(files, root)),
    ...(await checkAzd(files, root)),
    ...(await checkQueries(files, root)),
  ];
}
