import { fork } from "node:child_process";
import { once } from "node:events";

/** What a process can be asked to do. */
export type Commands = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

type Argument<C extends Commands, N extends keyof C> = Parameters<C[N]>[0];
type Answer<C extends Commands, N extends keyof C> = Awaited<ReturnType<C[N]>>;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly fault?: string;
}

/** A process that does what it is asked to. */
export interface Remote<C extends Commands> {
  readonly pid: number;
  ask<N extends keyof C & string>(name: N, argument: Argument<C, N>): Promise<Answer<C, N>>;
  stop(): Promise<void>;
}

/** In the process that was started: does what it is asked to, until it is stopped. */
export function serveCommands(commands: Commands): void {
  process.on("message", ({ id, name, argument }: Question) => {
    const command = commands[name] as ((given: unknown) => Promise<unknown>) | undefined;
    const work = command?.(argument) ?? Promise.reject(new Error(`cannot ${name}`));
    work.then(
      (answer) => reply({ id, answer }),
      (error: unknown) =>
        reply({ id, fault: error instanceof Error ? String(error.stack) : String(error) }),
    );
  });
  // Whoever started it has gone.
  process.on("disconnect", () => process.exit());
}

function reply(message: Reply): void {
  process.send?.(message);
}

/**
 * Starts a process that calls {@link serveCommands}.
 *
 * @param flags For Node, such as `--expose-gc`.
 */
export async function startRemote<C extends Commands>(
  script: URL,
  flags: readonly string[] = [],
): Promise<Remote<C>> {
  const child = fork(script, { execArgv: [...flags], serialization: "advanced" });
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(e: Error): void }>();
  let questions = 0;
  let gone = false;
  child.on("message", ({ id, answer, fault }: Reply) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (fault === undefined) resolve?.(answer);
    else reject?.(new Error(fault));
  });
  child.on("exit", (code) => {
    gone = true;
    for (const { reject } of waiting.values()) reject(new Error(`${script.pathname}: ${code}`));
    waiting.clear();
  });
  await once(child, "spawn");
  return {
    pid: child.pid ?? 0,
    ask: (name, argument) =>
      new Promise((resolve, reject) => {
        if (gone) return reject(new Error(`${script.pathname} has ended`));
        const id = ++questions;
        waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
        const question: Question = { id, name, argument };
        child.send(question);
        return undefined;
      }),
    async stop() {
      if (gone) return;
      child.disconnect();
      await once(child, "exit");
    },
  };
}
