/** How long calls took (ms). */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

/** @param values In any order; at least one. */
export function latencies(values: readonly number[]): Latencies {
  const sorted = Float64Array.from(values).toSorted();
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

/** @returns The middle of some values; the mean of the two in the middle where their number is even. */
export function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).toSorted(), 0.5);
}

function quantile(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
