/** Every start and end tag of a document, with the values of quoted attributes removed. */
export function tagsOf(markup: string): string[] {
  return (markup.match(/<[a-z/!](?:"[^"]*"|[^">])*>/gi) ?? []).map((tag) =>
    tag.replace(/"[^"]*"/g, '""'),
  );
}

/** The text of a document as a person reads it: no tags, no style, white space collapsed. Entities stay. */
export function textOf(markup: string): string {
  return markup
    .replace(/<style>[^]*?<\/style>/g, "")
    .replace(/<[^>]*>/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** Markup that does harm wherever it is not escaped: in text, in a quoted attribute, in a title. */
export function attack(field: string): string {
  return `</title>"'><script>alert("${field}")</script><img src=x onerror=alert(1) style="top:0">`;
}

/** `attack` as it must appear in a page. */
export function attackEscaped(field: string): string {
  return `&lt;/title&gt;&quot;&#39;&gt;&lt;script&gt;alert(&quot;${field}&quot;)&lt;/script&gt;&lt;img src=x onerror=alert(1) style=&quot;top:0&quot;&gt;`;
}
