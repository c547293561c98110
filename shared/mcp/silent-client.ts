/** How often a client is asked whether it is there, and how long it may take to say so. */
const PING_EVERY_MS = 60_000;
const ANSWER_WITHIN_MS = 30_000;

/**
 * For a client whose going away cannot be seen: asks it, and gives it up when it does not answer.
 *
 * @param ping MCP `ping`; rejects when there was no answer in time (ms).
 * @param onSilent Called once.
 * @returns Ends the asking.
 */
export function watchForSilence(
  ping: (timeoutMs: number) => Promise<unknown>,
  onSilent: () => void,
): () => void {
  const ask = async () => {
    try {
      await ping(ANSWER_WITHIN_MS);
    } catch {
      clearInterval(timer);
      onSilent();
    }
  };
  const timer = setInterval(() => void ask(), PING_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
