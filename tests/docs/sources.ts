import { readdirSync, readFileSync } from "node:fs";
import { ROOT } from "../../tools/stack/command-line.ts";

/** The text of each file of the product. */
export function sources(): string[] {
  const names = readdirSync(new URL("shared/", ROOT), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(new URL(`shared/${name}`, ROOT), "utf8"));
}
