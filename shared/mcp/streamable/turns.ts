/**
 * Does one thing after the other. What is read from a session's row and what is made of it belong together:
 * an answer that comes late must not undo what was done meanwhile.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** @param work Begins when all before it has ended. It must not wait for another turn. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
