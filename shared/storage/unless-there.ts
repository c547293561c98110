import { RowExists } from "./store.ts";

/** Inserts what may be there already: a retry that finds its own row has succeeded. */
export async function unlessThere(insert: Promise<unknown>): Promise<void> {
  try {
    await insert;
  } catch (error) {
    if (!(error instanceof RowExists)) throw error;
  }
}
