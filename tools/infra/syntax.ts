import type { Node } from "web-tree-sitter";

// How the grammar names things, in one place.

/** The parts of a node that mean something: no comments, no punctuation. */
export function parts(node: Node): Node[] {
  return node.namedChildren.filter((child) => child.type !== "comment");
}

/** Every node below `node`, and itself. */
export function* everyNode(node: Node): Generator<Node> {
  yield node;
  for (const child of node.namedChildren) yield* everyNode(child);
}

export function lineOf(node: Node): number {
  return node.startPosition.row + 1;
}

/** @returns What a string says, or undefined for one with something interpolated, or for no string. */
export function textOf(node: Node | undefined): string | undefined {
  if (node?.type !== "string") return undefined;
  const [content, ...more] = parts(node);
  if (content === undefined) return "";
  return content.type === "string_content" && more.length === 0 ? content.text : undefined;
}

export interface Property {
  /** Undefined where it is only known in a deployment: `'${name}'`. */
  readonly name: string | undefined;
  readonly value: Node;
  readonly node: Node;
}

/** The properties of an object, without the resources that are nested in it. */
export function propertiesOf(object: Node): Property[] {
  return parts(object).flatMap((node) => {
    const [key, value] = parts(node);
    if (node.type !== "object_property" || key === undefined || value === undefined) return [];
    return [{ name: key.type === "identifier" ? key.text : textOf(key), value, node }];
  });
}

export function property(object: Node | undefined, name: string): Node | undefined {
  if (object === undefined) return undefined;
  return propertiesOf(object).find((candidate) => candidate.name === name)?.value;
}

/**
 * What an expression may turn out to be, as far as it is written down: both sides of `a ? b : c`, what a loop makes.
 * Of a value that comes from elsewhere it is the expression itself.
 */
export function outcomes(node: Node): Node[] {
  const inner = parts(node);
  switch (node.type) {
    case "ternary_expression":
      return inner.slice(1).flatMap(outcomes);
    case "parenthesized_expression":
      return inner.flatMap(outcomes);
    case "if_statement":
    case "for_statement": {
      const last = inner.at(-1);
      return last === undefined ? [] : outcomes(last);
    }
    default:
      return [node];
  }
}
