import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Node, Language, Parser } from "web-tree-sitter";
import type { Fault } from "./fault.ts";
import { everyNode, lineOf, outcomes, parts, textOf } from "./syntax.ts";

/** `resource symbol 'Type@version' = {…}` */
export interface Resource {
  readonly symbol: string;
  readonly type: string;
  readonly apiVersion: string;
  readonly existing: boolean;
  readonly body: Node | undefined;
  readonly node: Node;
}

/** `module symbol 'path' = {…}` */
export interface Module {
  readonly symbol: string;
  readonly path: string;
  readonly body: Node | undefined;
  readonly node: Node;
}

export interface Parameter {
  readonly name: string;
  /** As it is written; undefined where the parameter must be given. */
  readonly default: string | undefined;
  readonly node: Node;
}

/** One `.bicep` file, taken apart. */
export interface BicepFile {
  /** Relative to the project's folder. */
  readonly path: string;
  readonly text: string;
  readonly root: Node;
  readonly parameters: readonly Parameter[];
  readonly variables: readonly string[];
  readonly outputs: readonly string[];
  readonly resources: readonly Resource[];
  readonly modules: readonly Module[];
  readonly faults: readonly Fault[];
}

/** The grammar does not know these statements. Their lines are left empty, so that all others keep their numbers. */
const EXTENSION = /^extension .*$/gm;

let parser: Promise<Parser> | undefined;

async function makeParser(): Promise<Parser> {
  await Parser.init();
  const grammar = createRequire(import.meta.url).resolve(
    "tree-sitter-bicep/tree-sitter-bicep.wasm",
  );
  return new Parser().setLanguage(await Language.load(grammar));
}

export async function readBicepFile(root: URL, path: string): Promise<BicepFile> {
  const text = await readFile(new URL(path, root), "utf8");
  parser ??= makeParser();
  const tree = (await parser).parse(text.replace(EXTENSION, ""));
  if (tree === null) throw new Error(`${path} cannot be parsed`);
  const nodes = [...everyNode(tree.rootNode)];
  const of = (type: string) => nodes.filter((node) => node.type === type);
  return {
    path,
    text,
    root: tree.rootNode,
    parameters: of("parameter_declaration").map(parameter),
    variables: of("variable_declaration").map(symbolOf),
    outputs: of("output_declaration").map(symbolOf),
    resources: of("resource_declaration").map((node) => resource(node)),
    modules: of("module_declaration").map((node) => ({
      symbol: symbolOf(node),
      path: textOf(parts(node)[1]) ?? "",
      body: bodyOf(node),
      node,
    })),
    faults: nodes
      .filter((node) => node.isError || node.isMissing)
      .map((node) => ({ file: path, line: lineOf(node), message: "does not parse" })),
  };
}

function symbolOf(node: Node): string {
  return parts(node)[0]?.text ?? "";
}

function parameter(node: Node): Parameter {
  const [name, , value] = parts(node);
  return { name: name?.text ?? "", default: value?.text, node };
}

function resource(node: Node): Resource {
  const [symbol, named] = parts(node);
  const [type = "", apiVersion = ""] = (textOf(named) ?? "").split("@");
  return {
    symbol: symbol?.text ?? "",
    // A nested resource names only what its parent's type does not.
    type: `${typeOfParent(node)}${type}`,
    apiVersion: apiVersion === "" ? (resourceAround(node)?.apiVersion ?? "") : apiVersion,
    existing: node.children.some((child) => child.type === "existing"),
    body: bodyOf(node),
    node,
  };
}

function typeOfParent(node: Node): string {
  const around = resourceAround(node);
  return around === undefined ? "" : `${around.type}/`;
}

function resourceAround(node: Node): Resource | undefined {
  for (let above = node.parent; above !== null; above = above.parent) {
    if (above.type === "resource_declaration") return resource(above);
  }
  return undefined;
}

/** The object of a declaration, also of one with a condition or a loop. */
function bodyOf(node: Node): Node | undefined {
  const last = parts(node).at(-1);
  return last && outcomes(last).find(({ type }) => type === "object");
}
