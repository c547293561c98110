import { parseConstraint, type RouteConstraint } from "./route-constraint.ts";

/** The values of the route parameters that a path gave, by name; an absent optional one is missing. */
export type RouteValues = Record<string, string>;

/** Matches a decoded path; `undefined` means that the route does not apply. */
export type RoutePattern = (path: string) => RouteValues | undefined;

interface Parameter {
  readonly name: string;
  readonly constraints: readonly RouteConstraint[];
  readonly optional: boolean;
  readonly catchAll: boolean;
  readonly fallback: string | undefined;
}

interface Segment {
  /** Captures the parameters in their order. */
  readonly pattern: RegExp;
  readonly parameters: readonly Parameter[];
  /** The parameter that is all of the segment, if one is. */
  readonly whole: Parameter | undefined;
}

/**
 * Compiles a route template as ASP.NET's `TemplateMatcher` reads it: literals without regard to case, one trailing
 * slash ignored, `{name}`, `{name?}`, `{name=value}`, `{name:constraint}`, `{*rest}` and several parts in one segment.
 * `name/{*rest}` also matches `name`.
 *
 * @throws Error when the template cannot be read, as the host then refuses the function
 * @see https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
 */
export function compileRoute(template: string): RoutePattern {
  if (/^[/~]/.test(template)) {
    throw new Error(`The route template "${template}" cannot start with "/" or "~".`);
  }
  const segments = template === "" ? [] : splitTemplate(template).map(parseSegment);
  return (path) => matchSegments(segments, path.replace(/^\//, ""));
}

function matchSegments(segments: readonly Segment[], path: string): RouteValues | undefined {
  const trimmed = path.endsWith("/") ? path.slice(0, -1) : path;
  const pieces = path === "" ? [] : trimmed.split("/");
  const values: RouteValues = {};
  for (const [index, segment] of segments.entries()) {
    const parameter = segment.whole;
    if (parameter?.catchAll) {
      // What is left of the path as it came, its trailing slash included.
      const rest = path.split("/").slice(index).join("/");
      return assign(values, parameter, rest === "" ? parameter.fallback : rest);
    }
    const piece = pieces[index];
    if (piece === undefined) {
      if (!parameter || !(parameter.optional || parameter.fallback !== undefined)) return undefined;
      if (!assign(values, parameter, parameter.fallback)) return undefined;
    } else if (!matchPiece(segment, piece, values)) {
      return undefined;
    }
  }
  return pieces.length > segments.length ? undefined : values;
}

function matchPiece(segment: Segment, piece: string, values: RouteValues): boolean {
  const match = segment.pattern.exec(piece);
  if (!match) return false;
  return segment.parameters.every(
    (parameter, index) => assign(values, parameter, match[index + 1]) !== undefined,
  );
}

function assign(
  values: RouteValues,
  parameter: Parameter,
  value: string | undefined,
): RouteValues | undefined {
  if (value === undefined) return values;
  if (!parameter.constraints.every((accepts) => accepts(value))) return undefined;
  values[parameter.name] = value;
  return values;
}

function escape(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Splits at slashes outside braces: a constraint's pattern may contain one. */
function splitTemplate(template: string): string[] {
  const segments = template.match(/(?:\{(?:\{\{|\}\}|[^{}])*\}|[^/])+/g) ?? [];
  if (segments.join("/") !== template.replace(/\/$/, "")) {
    throw new Error(`The route template "${template}" has an empty segment.`);
  }
  return segments;
}

function parseSegment(segment: string): Segment {
  const parameters: Parameter[] = [];
  let source = "";
  let parts = 0;
  for (const [text, inner] of segment.matchAll(/\{((?:\{\{|\}\}|[^{}])*)\}|[^{}]+|[{}]/g)) {
    if (inner === undefined && /[{}]/.test(text)) {
      throw new Error(`The route segment "${segment}" has a stray brace.`);
    }
    parts += 1;
    source += inner === undefined ? escape(text) : "(.+)";
    if (inner !== undefined) parameters.push(parseParameter(inner));
  }
  if (parts > 1 && parameters.some(({ optional, catchAll }) => optional || catchAll)) {
    throw new Error(`The route segment "${segment}" mixes an open parameter with text.`);
  }
  const whole = parts === 1 ? parameters[0] : undefined;
  return { pattern: new RegExp(`^${source}$`, "is"), parameters, whole };
}

function parseParameter(text: string): Parameter {
  const match = /^(\*{0,2})([^:=?*]+)((?::[^:=(]+(?:\(.*?\)(?=[:=?]|$))?)*)(?:=(.*?))?(\?)?$/s.exec(
    text,
  );
  const name = match?.[2];
  if (match === null || name === undefined) {
    throw new Error(`The route parameter "{${text}}" cannot be read.`);
  }
  const constraints = (match[3] ?? "").match(/:[^:=(]+(?:\(.*?\)(?=:|$))?/gs) ?? [];
  const optional = match[5] === "?" || constraints.some((constraint) => constraint.endsWith("?"));
  return {
    name,
    constraints: constraints.map((constraint) =>
      parseConstraint(constraint.slice(1).replace(/\?$/, "")),
    ),
    optional,
    catchAll: match[1] !== "",
    fallback: match[4],
  };
}
