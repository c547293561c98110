/** @returns The items in their order, so many at a time; the last batch has what is left. */
export async function* batches<T>(
  items: Iterable<T> | AsyncIterable<T>,
  size: number,
): AsyncIterable<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
