/**
 * Keeps this process from going to sleep between answers: to wake it would cost the server that answers, and
 * the more the slower that is.
 *
 * @param answers How many there have been.
 * @returns Ends it, and says in which share of the time there was something to do.
 */
export function spin(answers: () => number): () => number {
  let spinning = true;
  let busyMs = 0;
  let seen = answers();
  const startedAt = performance.now();
  let last = startedAt;
  const turn = () => {
    const now = performance.now();
    if (answers() !== seen) busyMs += now - last;
    seen = answers();
    last = now;
    if (spinning) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    spinning = false;
    return busyMs / (performance.now() - startedAt);
  };
}
