/** The types of web-tree-sitter name it, and nothing here touches it. */
interface EmscriptenModule {
  readonly [name: string]: unknown;
}
