import type { Node } from "web-tree-sitter";
import type { BicepFile, Resource } from "./bicep-file.ts";
import type { Fault } from "./fault.ts";
import { KNOWN_IDS } from "./known-ids.ts";
import { everyNode, lineOf, parts, property, textOf } from "./syntax.ts";

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Every id that is written down is the one that its name says, and a role assignment is named after what it assigns. */
export function checkIds(file: BicepFile): Fault[] {
  const fault = (node: Node, message: string): Fault => ({
    file: file.path,
    line: lineOf(node),
    message,
  });
  return [
    ...[...everyNode(file.root)].flatMap((node) => {
      const id = textOf(node);
      if (id === undefined || !GUID.test(id)) return [];
      const name = nameBeside(node);
      if (name === undefined || KNOWN_IDS[name] === undefined) {
        return [fault(node, `nobody knows ${id}: name it as in tools/infra/known-ids.ts`)];
      }
      return KNOWN_IDS[name] === id
        ? []
        : [fault(node, `${name} is ${KNOWN_IDS[name]}, not ${id}`)];
    }),
    ...file.resources
      .filter(({ type }) => type === "Microsoft.Authorization/roleAssignments")
      .filter((assignment) => !isNamedAfterItself(assignment))
      .map(({ node }) =>
        fault(node, "name it guid(scope.id, principalId, role) of what it assigns"),
      ),
  ];
}

/** The variable that has the id, or the `name` in the same object. */
function nameBeside(node: Node): string | undefined {
  const { parent } = node;
  if (parent?.type === "variable_declaration") return parts(parent)[0]?.text;
  if (parent?.type === "object_property" && parent.parent?.type === "object") {
    return textOf(property(parent.parent, "name"));
  }
  return undefined;
}

/** One with another name would collide with that of an identity that was deleted, or with another role's. */
function isNamedAfterItself({ body }: Resource): boolean {
  const properties = property(body, "properties");
  const role = argumentsOf(property(properties, "roleDefinitionId")).at(-1);
  const principal = property(properties, "principalId")?.text;
  const scope = property(body, "scope")?.text;
  const name = argumentsOf(property(body, "name"));
  return role !== undefined && name.join() === [`${scope}.id`, principal, role].join();
}

function argumentsOf(call: Node | undefined): string[] {
  const args = call === undefined ? undefined : parts(call)[1];
  return args === undefined ? [] : parts(args).map(({ text }) => text);
}
