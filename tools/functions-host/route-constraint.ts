/** Says whether the value of a route parameter is acceptable. */
export type RouteConstraint = (value: string) => boolean;

const INT32_MAX = 2_147_483_647n;
const INT64_MAX = 9_223_372_036_854_775_807n;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const GUID =
  /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{[0-9a-f-]{36}\}|\([0-9a-f-]{36}\))$/i;

/**
 * Builds one inline constraint of an ASP.NET route, such as `int`, `length(1,8)` or `regex(^\d+$)`.
 *
 * @throws Error when the constraint is unknown or its argument is missing: a route that cannot be read serves nothing
 * @see https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints
 */
export function parseConstraint(text: string): RouteConstraint {
  const match = /^([a-z]+)(?:\((.*)\))?$/is.exec(text);
  const name = match?.[1]?.toLowerCase() ?? text;
  const argument = match?.[2];
  switch (name) {
    case "int":
      return (value) => isInteger(value, INT32_MAX);
    case "long":
      return (value) => isInteger(value, INT64_MAX);
    case "decimal":
    case "double":
    case "float":
      return (value) => NUMBER.test(value);
    case "bool":
      return (value) => /^(?:true|false)$/i.test(value);
    case "datetime":
      return (value) => !Number.isNaN(Date.parse(value));
    case "guid":
      return (value) => GUID.test(value);
    case "alpha":
      return (value) => /^[a-z]*$/i.test(value);
    case "required":
      return (value) => value !== "";
    case "regex":
      return matchesPattern(argument, text);
    default:
      return boundedBy(name, numbers(argument, text), text);
  }
}

function boundedBy(name: string, bounds: number[], text: string): RouteConstraint {
  const [first, second = first] = bounds;
  if (first === undefined || second === undefined) {
    throw new Error(`The route constraint "${text}" is not known to this host.`);
  }
  switch (name) {
    case "length":
      return (value) => value.length >= first && value.length <= second;
    case "minlength":
      return (value) => value.length >= first;
    case "maxlength":
      return (value) => value.length <= first;
    case "min":
      return (value) => isInteger(value, INT64_MAX) && Number(value) >= first;
    case "max":
      return (value) => isInteger(value, INT64_MAX) && Number(value) <= first;
    case "range":
      return (value) =>
        isInteger(value, INT64_MAX) && Number(value) >= first && Number(value) <= second;
    default:
      throw new Error(`The route constraint "${text}" is not known to this host.`);
  }
}

function isInteger(value: string, max: bigint): boolean {
  if (!/^[+-]?\d+$/.test(value)) return false;
  const number = BigInt(value.replace(/^\+/, ""));
  return number <= max && number >= -max - 1n;
}

function matchesPattern(argument: string | undefined, text: string): RouteConstraint {
  if (argument === undefined) throw new Error(`The route constraint "${text}" needs a pattern.`);
  // A brace inside a route is written twice.
  const pattern = new RegExp(argument.replaceAll("{{", "{").replaceAll("}}", "}"), "i");
  return (value) => pattern.test(value);
}

function numbers(argument: string | undefined, text: string): number[] {
  const parsed = argument === undefined ? [] : argument.split(",").map(Number);
  if (parsed.some(Number.isNaN)) {
    throw new Error(`The route constraint "${text}" takes whole numbers.`);
  }
  return parsed;
}
