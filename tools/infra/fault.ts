/** Something that is wrong with the infrastructure. */
export interface Fault {
  /** Relative to the project's folder. */
  readonly file: string;
  /** From 1 on; undefined where it is about the file as a whole. */
  readonly line?: number;
  readonly message: string;
}

export function describeFault({ file, line, message }: Fault): string {
  return `${file}${line === undefined ? "" : `:${line}`}  ${message}`;
}
