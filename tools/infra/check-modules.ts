import { existsSync } from "node:fs";
import { posix } from "node:path";
import type { BicepFile, Module } from "./bicep-file.ts";
import type { Fault } from "./fault.ts";
import { everyNode, lineOf, parts, propertiesOf, property, textOf } from "./syntax.ts";

/** What one file wants of another: parameters given and taken, outputs read and written, texts that are loaded. */
export function checkModules(files: readonly BicepFile[], root: URL): Fault[] {
  return files.flatMap((file) => [
    ...file.modules.flatMap((module) => [...checkModule(file, module, files)]),
    ...checkUnusedParameters(file),
    ...checkLoadedTexts(file, root),
  ]);
}

function* checkModule(
  { path, text }: BicepFile,
  module: Module,
  files: readonly BicepFile[],
): Generator<Fault> {
  const line = lineOf(module.node);
  const fault = (message: string): Fault => ({ file: path, line, message });
  const target = posix.join(posix.dirname(path), module.path);
  const file = files.find((candidate) => candidate.path === target);
  if (file === undefined) {
    yield fault(`there is no ${target}`);
    return;
  }
  const given = property(module.body, "params");
  const passed = given === undefined ? [] : propertiesOf(given);
  const names = passed.map(({ name }) => name);
  for (const parameter of file.parameters) {
    if (parameter.default === undefined && !names.includes(parameter.name)) {
      yield fault(`${target} needs the parameter ${parameter.name}`);
    }
  }
  for (const name of names) {
    if (name !== undefined && !file.parameters.some((parameter) => parameter.name === name)) {
      yield fault(`${target} has no parameter ${name}`);
    }
  }
  for (const { name, value } of passed) {
    const takesPlaceOf = value.type === "identifier" && value.text !== name && value.text;
    if (takesPlaceOf !== false && file.parameters.some((other) => other.name === takesPlaceOf)) {
      yield fault(`${target} is given ${takesPlaceOf} as ${name}`);
    }
  }
  // In the text, for the grammar takes `a ? b!.outputs.c : d` apart in the wrong place.
  for (const [, output = ""] of text.matchAll(
    new RegExp(String.raw`\b${module.symbol}!?\.outputs\.(\w+)`, "g"),
  )) {
    if (!file.outputs.includes(output)) yield fault(`${target} has no output ${output}`);
  }
}

function checkUnusedParameters({ path, parameters, root }: BicepFile): Fault[] {
  const uses = new Map<string, number>();
  for (const node of everyNode(root)) {
    if (node.type === "identifier") uses.set(node.text, (uses.get(node.text) ?? 0) + 1);
  }
  return parameters
    .filter(({ name }) => (uses.get(name) ?? 0) < 2)
    .map(({ name, node }) => ({
      file: path,
      line: lineOf(node),
      message: `nothing uses the parameter ${name}`,
    }));
}

function checkLoadedTexts({ path, root: tree }: BicepFile, root: URL): Fault[] {
  return [...everyNode(tree)].flatMap((node) => {
    const [called, args] = parts(node);
    if (node.type !== "call_expression" || called?.text !== "loadTextContent") return [];
    const loaded = textOf(args && parts(args)[0]) ?? "";
    const target = posix.join(posix.dirname(path), loaded);
    if (loaded !== "" && existsSync(new URL(target, root))) return [];
    return [{ file: path, line: lineOf(node), message: `there is no ${target}` }];
  });
}
