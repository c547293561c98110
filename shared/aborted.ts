/**
 * For what does not heed an abort signal: race it with this.
 *
 * @returns A promise that is rejected when `signal` aborts.
 */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const late = () => reject(new Error("no answer before the deadline"));
    signal.addEventListener("abort", late, { once: true });
  });
}
