/** What a message of a library may have in it that is none of the log's business, and what takes its place. */
const REDACTIONS: readonly (readonly [RegExp, string])[] = [
  // A token: signed or sealed JSON (RFC 7515, RFC 7516). Its head says so.
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}/g, "[token]"],
  [/\b(Bearer|Basic) [\w.~+/=-]{8,}/gi, "$1 [token]"],
  // Entra says who it was: "The signed in user 'alice@example.com' is not assigned to a role".
  [/[\p{L}\p{N}_][\p{L}\p{N}._%+'#-]{0,63}@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu, "[address]"],
  // Behind the host are codes, states and filters, and the keys of rows: /sessions(PartitionKey='…',RowKey='…').
  [/(\bhttps?:\/\/[^\s/?#"'<>)]+)[/?#][^\s"<>]*/g, "$1/…"],
  // V8 quotes what it could not parse, or some of it.
  [/"[^]{0,100}"(?:\.\.\.)? is not valid JSON/g, "the text is not valid JSON"],
];

/** Some libraries make a message of a whole answer. */
const MAX_CHARACTERS = 10_000;

/** Makes a message that was not written for the log fit for it. */
export function redact(text: string): string {
  return REDACTIONS.reduce(
    (redacted, [pattern, replacement]) => redacted.replace(pattern, replacement),
    bounded(text),
  );
}

/** Cut between two words: half a token would not be known for one. */
function bounded(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  const start = text.slice(0, MAX_CHARACTERS);
  return `${start.slice(0, start.lastIndexOf(" ") + 1)}…`;
}
