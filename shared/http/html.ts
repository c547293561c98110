/**
 * Markup that is safe to send: either written in the source or escaped on its way in.
 * The private field makes the type nominal, so that a plain string never passes for it.
 */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  /** @returns The markup as it is sent. */
  toString(): string {
    return this.#markup;
  }
}

/** What may stand in a template: `false` and `undefined` leave nothing, so `condition && html…` works. */
export type HtmlValue = Html | string | number | false | undefined | readonly HtmlValue[];

/**
 * Tagged template for HTML. Strings and numbers are escaped, `Html` is taken as it is, arrays are joined.
 *
 * Escaping protects element content and *quoted* attribute values. It does not protect an unquoted attribute,
 * the inside of `<style>`, or the scheme of a URL in `href`: put nothing untrusted there.
 */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(String.raw({ raw: parts }, ...values.map(render)));
}

/**
 * Marks a string as markup without escaping it.
 * For constants of this source only (the stylesheet): never for a value that came from a request.
 */
export function trustedHtml(markup: string): Html {
  return new Html(markup);
}

function render(value: HtmlValue): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "object") return value.map(render).join("");
  return escapeText(String(value));
}

function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;") // first, or it would escape the escapes
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
