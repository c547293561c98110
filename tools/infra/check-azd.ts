import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import type { BicepFile } from "./bicep-file.ts";
import type { Fault } from "./fault.ts";

const YAML = "azure.yaml";
const PARAMETERS = "infra/main.parameters.json";
const DOCS = "docs/deploy.md";
const HOOK_ENVIRONMENT = "infra/hooks/environment.mjs";

/** What azd sets in every environment by itself. */
const AZD_OWN: ReadonlySet<string> = new Set([
  "AZURE_ENV_NAME",
  "AZURE_LOCATION",
  "AZURE_SUBSCRIPTION_ID",
]);

const line = z.strictObject({
  shell: z.enum(["sh", "pwsh"]),
  run: z.string(),
  interactive: z.boolean(),
});
const azureYaml = z.object({
  services: z.record(
    z.string(),
    z.strictObject({
      project: z.literal("."),
      host: z.literal("function"),
      language: z.literal("ts"),
      dist: z.literal("dist"),
      remoteBuild: z.literal(false),
    }),
  ),
  hooks: z.record(
    z.enum(["preprovision", "postdeploy", "postdown"]),
    z.strictObject({ posix: line, windows: line }),
  ),
});
const parametersFile = z.object({
  parameters: z.record(z.string(), z.strictObject({ value: z.string() })),
});

/** azd finds what it looks for: the service by its tag, the hooks by their paths, each parameter by its variable. */
export async function checkAzd(files: readonly BicepFile[], root: URL): Promise<Fault[]> {
  const main = files.find(({ path }) => path === "infra/main.bicep");
  if (main === undefined) return [{ file: "infra/main.bicep", message: "is not there" }];
  const { parameters } = parametersFile.parse(
    JSON.parse(await readFile(new URL(PARAMETERS, root), "utf8")),
  );
  const variables = Object.values(parameters).map(({ value }) => variableOf(value)?.name ?? "");
  const docs = await readFile(new URL(DOCS, root), "utf8");
  return [
    ...(await checkYaml(files, root)),
    ...variables
      .filter((name) => !AZD_OWN.has(name) && !docs.includes(`\`${name}\``))
      .map((name) => ({ file: DOCS, message: `does not say what ${name} is for` })),
    ...(await checkHost(root)),
    ...checkParameters(main, parameters),
    ...main.outputs
      .filter((output) => variables.includes(output))
      .map((output) => ({
        file: main.path,
        message: `the output ${output} would come back as the parameter of that name`,
      })),
    ...(await checkHookEnvironment(root, new Set([...AZD_OWN, ...variables, ...main.outputs]))),
  ];
}

async function checkYaml(files: readonly BicepFile[], root: URL): Promise<Fault[]> {
  const fault = (message: string): Fault => ({ file: YAML, message });
  const parsed = azureYaml.safeParse(parse(await readFile(new URL(YAML, root), "utf8")));
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => fault(`${path.join(".")}: ${message}`));
  }
  const { services, hooks } = parsed.data;
  const ignored = await readFile(new URL(".funcignore", root), "utf8");
  return [
    ...Object.keys(services)
      .filter((name) => !files.some(({ text }) => text.includes(`'azd-service-name': '${name}'`)))
      .map((name) => fault(`no resource has the tag azd-service-name: ${name}`)),
    ...Object.values(hooks)
      .flatMap(({ posix, windows }) => [posix.run, windows.run])
      .map((run) => /^node (\S+?\.mjs)/.exec(run)?.[1] ?? run)
      .filter((script) => !existsSync(new URL(script, root)))
      .map((script) => fault(`there is no ${script}`)),
    ...(/^\/?node_modules/m.test(ignored)
      ? [{ file: ".funcignore", message: "names node_modules: azd refuses remoteBuild: false" }]
      : []),
  ];
}

/** With a limit, the host ends the worker of a stream that has reached it, and all other streams with it. */
async function checkHost(root: URL): Promise<Fault[]> {
  const host = z.object({ functionTimeout: z.literal("-1") });
  const parsed = host.safeParse(JSON.parse(await readFile(new URL("host.json", root), "utf8")));
  return parsed.success ? [] : [{ file: "host.json", message: "functionTimeout must be -1" }];
}

function checkParameters(
  main: BicepFile,
  given: z.infer<typeof parametersFile>["parameters"],
): Fault[] {
  const faults = main.parameters.flatMap(({ name, default: inBicep }): string[] => {
    const value = given[name]?.value;
    const variable = value === undefined ? undefined : variableOf(value);
    if (variable === undefined) return [`no variable sets the parameter ${name}`];
    const wanted = inBicep?.replaceAll(/^'|'$/g, "");
    if (variable.default === wanted) return [];
    return [`${name} is ${wanted ?? "without a default"} in the Bicep, ${variable.default} here`];
  });
  const unknown = Object.keys(given)
    .filter((name) => !main.parameters.some((parameter) => parameter.name === name))
    .map((name) => `infra/main.bicep has no parameter ${name}`);
  return [...faults, ...unknown].map((message) => ({ file: PARAMETERS, message }));
}

/** `${NAME}` or `${NAME=default}`: without a default, azd asks. */
function variableOf(value: string): { name: string; default: string | undefined } | undefined {
  const [, name, fallback] = /^\$\{(\w+)(?:=([^}]*))?\}$/.exec(value) ?? [];
  return name === undefined ? undefined : { name, default: fallback };
}

async function checkHookEnvironment(root: URL, known: ReadonlySet<string>): Promise<Fault[]> {
  const text = await readFile(new URL(HOOK_ENVIRONMENT, root), "utf8");
  return [...text.matchAll(/env\["(\w+)"\]/g)]
    .map(([, name]) => name ?? "")
    .filter((name) => !known.has(name))
    .map((name) => ({ file: HOOK_ENVIRONMENT, message: `nobody sets ${name}` }));
}
