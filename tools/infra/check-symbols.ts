import type { Node } from "web-tree-sitter";
import type { BicepFile } from "./bicep-file.ts";
import type { Fault } from "./fault.ts";
import { lineOf, parts } from "./syntax.ts";

/** The functions of Bicep that are used here. Another one is added when it is needed. */
const FUNCTIONS: ReadonlySet<string> = new Set([
  "concat",
  "empty",
  "environment",
  "guid",
  "join",
  "loadTextContent",
  "map",
  "resourceId",
  "string",
  "subscription",
  "subscriptionResourceId",
  "tenant",
  "toLower",
  "union",
  "uniqueString",
]);

/** Every name that is used must be declared in the same file, be a function, or belong to a loop or a lambda. */
export function checkSymbols(file: BicepFile): Fault[] {
  const declared = new Set([
    ...file.parameters.map(({ name }) => name),
    ...file.variables,
    ...file.resources.map(({ symbol }) => symbol),
    ...file.modules.map(({ symbol }) => symbol),
  ]);
  const faults: Fault[] = [];
  visit(file.root, declared);
  return faults;

  function visit(node: Node, known: ReadonlySet<string>): void {
    const inner = parts(node);
    switch (node.type) {
      case "identifier":
        if (!known.has(node.text)) fault(node, `${node.text} is not declared`);
        return;
      case "call_expression": {
        const [called, ...rest] = inner;
        if (called?.type === "identifier") {
          if (!FUNCTIONS.has(called.text)) fault(called, `there is no function ${called.text}`);
        } else if (called !== undefined) visit(called, known);
        for (const child of rest) visit(child, known);
        return;
      }
      case "for_statement":
      case "lambda_expression": {
        const body = inner.at(-1);
        const own = node.type === "lambda_expression" ? inner.slice(0, -1) : inner.slice(0, 1);
        const within = new Set([...known, ...own.flatMap(namesIn)]);
        for (const child of inner.slice(1, -1)) visit(child, within);
        if (body !== undefined) visit(body, within);
        return;
      }
      case "object_property":
        // The key is a name of somebody else's; a nested resource has none.
        for (const child of inner.length === 1 ? inner : inner.slice(1)) visit(child, known);
        if (inner[0]?.type === "string") visit(inner[0], known);
        return;
      case "resource_expression":
        // `parent::nested`: the second name belongs to the first.
        if (inner[0] !== undefined) visit(inner[0], known);
        return;
      case "decorator":
      case "type":
        return;
      case "parameter_declaration":
      case "variable_declaration":
      case "output_declaration":
      case "resource_declaration":
      case "module_declaration":
        for (const child of inner.slice(1)) visit(child, known);
        return;
      default:
        for (const child of inner) visit(child, known);
    }
  }

  function fault(node: Node, message: string): void {
    faults.push({ file: file.path, line: lineOf(node), message });
  }
}

/** `s` and `(s, i)` */
function namesIn(node: Node): string[] {
  return node.type === "identifier" ? [node.text] : parts(node).map(({ text }) => text);
}
