/** So many characters of a secret are enough to tell it, and what a log cuts short is found too. */
const TELLING_LENGTH = 24;

/** By so many characters the search finds its way; what is shorter cannot be searched for. */
const PREFIX_LENGTH = 8;

/** A secret in a text where none may be. */
export interface Leak {
  /** What kind of secret it is. */
  readonly kind: string;
  /** The line that holds it. */
  readonly line: string;
}

/** Every secret that was used, by kind, and the search for them. */
export class Secrets {
  readonly #kinds = new Map<string, Set<string>>();

  add(kind: string, value: string): void {
    if (value.length < PREFIX_LENGTH) throw new RangeError(`a ${kind} too short to search for`);
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? new Set()).add(value));
  }

  /** The secrets of one kind, in the order in which they came. */
  of(kind: string): string[] {
    return [...(this.#kinds.get(kind) ?? [])];
  }

  /** How many there are of each kind. */
  counts(): Record<string, number> {
    return Object.fromEntries(Array.from(this.#kinds, ([kind, { size }]) => [kind, size]));
  }

  get size(): number {
    return Object.values(this.counts()).reduce((sum, count) => sum + count, 0);
  }

  /** @returns Every line that holds a secret, as it is or in a disguise, whole or cut short. */
  leaksIn(lines: Iterable<string>): Leak[] {
    const needles = this.#needles();
    return Array.from(lines).flatMap((line) =>
      [...new Set(kindsIn(line, needles))].map((kind) => ({ kind, line })),
    );
  }

  /** What to search for, by its first characters. */
  #needles(): Needles {
    const needles: Needles = new Map();
    for (const [kind, values] of this.#kinds) {
      for (const text of new Set([...values].flatMap(tellingParts).flatMap(disguises))) {
        const prefix = text.slice(0, PREFIX_LENGTH);
        const others = needles.get(prefix);
        if (others === undefined) needles.set(prefix, [{ kind, text }]);
        else others.push({ kind, text });
      }
    }
    return needles;
  }
}

type Needles = Map<string, { kind: string; text: string }[]>;

/** One pass over the line, however many secrets there are. */
function* kindsIn(line: string, needles: Needles): Generator<string> {
  for (let at = 0; at + PREFIX_LENGTH <= line.length; at++) {
    for (const { kind, text } of needles.get(line.slice(at, at + PREFIX_LENGTH)) ?? []) {
      if (line.startsWith(text, at)) yield kind;
    }
  }
}

/**
 * By what a secret is told: its beginning, and that of the part behind its last dot (a signature, the secret in a
 * handle). The header of a JWT or JWE, which many share, tells none of them.
 */
function tellingParts(value: string): string[] {
  const parts = value.split(".");
  const isJose = value.startsWith("eyJ") && parts.length > 2;
  const long = (isJose ? parts.slice(1) : parts.slice(-1)).filter(
    (part) => part.length >= TELLING_LENGTH,
  );
  return (isJose ? long : [value, ...long]).map((part) => part.slice(0, TELLING_LENGTH));
}

/** What a text looks like in JSON, in a URL, in a form, in hex, and in base64 wherever it begins in there. */
function disguises(text: string): string[] {
  const bytes = Buffer.from(text);
  const form = new URLSearchParams({ text }).toString().slice("text=".length);
  const base64 = [0, 1, 2].map((offset) => base64Within(bytes, offset));
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    form,
    bytes.toString("hex"),
    ...base64,
    ...base64.map((encoded) => encoded.replaceAll("+", "-").replaceAll("/", "_")),
  ].filter((disguise) => disguise.length >= PREFIX_LENGTH);
}

/** @returns The characters that stand for `bytes` in the base64 of something that has `offset` bytes before them. */
function base64Within(bytes: Uint8Array, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + bytes.length) * 8) / 6);
  return encoded.slice(first, end);
}
