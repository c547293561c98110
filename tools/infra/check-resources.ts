import type { Node } from "web-tree-sitter";
import type { BicepFile, Resource } from "./bicep-file.ts";
import type { Fault } from "./fault.ts";
import { NOT_DESCRIBED, type ObjectType, type ResourceTypes } from "./resource-types.ts";
import { lineOf, outcomes, parts, propertiesOf, property, textOf } from "./syntax.ts";

/** What Bicep knows of every resource, whatever its type. */
const OF_BICEP: ReadonlySet<string> = new Set(["parent", "scope", "dependsOn"]);

const SCALARS: ReadonlySet<string> = new Set(["string", "int", "bool"]);

/** Holds every resource against the type that Azure has for it: versions, properties, values of enumerations. */
export function checkResources(file: BicepFile, types: ResourceTypes): Fault[] {
  return file.resources.flatMap((resource) => [...checkResource(file, resource, types)]);
}

function* checkResource(
  { path }: BicepFile,
  resource: Resource,
  types: ResourceTypes,
): Generator<Fault> {
  const { type, node } = resource;
  const fault = (at: Node, message: string): Fault => ({ file: path, line: lineOf(at), message });
  if (NOT_DESCRIBED.includes(type)) return;
  const apiVersion = types.apiVersion(type);
  if (apiVersion === undefined) {
    yield fault(node, `the type ${type} is not known: node tools/infra/generate-types.ts`);
    return;
  }
  if (resource.apiVersion !== apiVersion) {
    yield fault(node, `${type} is checked at ${apiVersion}, not at ${resource.apiVersion}`);
  }
  if (resource.existing || resource.body === undefined) return;
  const { body } = resource;
  yield* checkNamed(body, "");

  function* checkNamed(object: Node, name: string): Generator<Fault> {
    const found = types.lookUp(type, name);
    if (found === undefined) {
      yield fault(object, `${name} of ${type} is not known: node tools/infra/generate-types.ts`);
      return;
    }
    if (!("discriminator" in found)) {
      yield* checkObject(object, found);
      return;
    }
    const given = property(object, found.discriminator);
    const value = textOf(given);
    if (given === undefined || value === undefined) return;
    const variant = found.variants[value];
    if (variant !== undefined) yield* checkObject(object, variant);
    else yield fault(given, mustBeOneOf(found.discriminator, value, Object.keys(found.variants)));
  }

  function* checkObject(object: Node, { properties, open }: ObjectType): Generator<Fault> {
    const given = propertiesOf(object);
    for (const { name, value, node: at } of given) {
      if (name === undefined || (object === body && OF_BICEP.has(name))) continue;
      const known = properties[name];
      if (known !== undefined) yield* checkValue(name, value, known.type);
      else if (open !== true) yield fault(at, `${type} has no property ${name} here`);
    }
    for (const [name, { required = false }] of Object.entries(properties)) {
      if (required && !given.some((other) => other.name === name)) {
        yield fault(object, `${type} needs the property ${name} here`);
      }
    }
  }

  function* checkValue(name: string, expression: Node, expected: string): Generator<Fault> {
    if (expected === "any" || expected === "object") return;
    for (const value of outcomes(expression)) {
      if (expected.endsWith("[]")) {
        if (value.type === "array") {
          for (const item of parts(value)) yield* checkValue(name, item, expected.slice(0, -2));
        } else if (isWritten(value)) yield fault(value, `${name} is a list`);
      } else if (SCALARS.has(expected) || expected.includes(" | ")) {
        yield* checkScalar(name, value, expected);
      } else if (value.type === "object") yield* checkNamed(value, expected);
      else if (isWritten(value) && types.lookUp(type, expected) === undefined) {
        yield* checkScalar(name, value, expected);
      } else if (isWritten(value)) yield fault(value, `${name} is an object`);
    }
  }

  function* checkScalar(name: string, value: Node, expected: string): Generator<Fault> {
    if (!isWritten(value)) return;
    const kind = { string: "string", number: "int", boolean: "bool" }[value.type];
    if (SCALARS.has(expected)) {
      if (kind !== expected) yield fault(value, `${name} is of type ${expected}`);
      return;
    }
    const text = textOf(value);
    const allowed = expected.split(" | ").filter((one) => one !== "string");
    if (kind !== "string") yield fault(value, `${name} is of type string`);
    // Azure takes more than it names in places, but a value that nobody has named is a typing error far more often.
    else if (text !== undefined && !allowed.includes(text)) {
      yield fault(value, mustBeOneOf(name, text, allowed));
    }
  }
}

/** Whether the value stands in the file, and does not come from elsewhere. */
function isWritten(value: Node): boolean {
  return ["string", "number", "boolean", "object", "array"].includes(value.type);
}

function mustBeOneOf(name: string, value: string, allowed: readonly string[]): string {
  return `${name} cannot be ${value}: it is one of ${allowed.join(", ")}`;
}
