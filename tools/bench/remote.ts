import { fork } from "node:child_process";
import { once } from "node:events";

/** What a process can be asked to do. */
export type Commands = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

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
  ask<N extends keyof C & string>(name: N, ...argument: Parameters<C[N]>): Promise<Answer<C, N>>;
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
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let questions = 0;
  let gone = false;
  child.on("message", ({ id, answer, fault }: Reply) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (fault === undefined) asked?.resolve(answer);
    else asked?.reject(new Error(fault));
  });
  child.on("exit", (code) => {
    gone = true;
    for (const asked of waiting.values()) asked.reject(new Error(`${script.pathname}: ${code}`));
    waiting.clear();
  });
  await once(child, "spawn");
  return {
    pid: child.pid ?? 0,
    ask<N extends keyof C & string>(name: N, ...[argument]: Parameters<C[N]>) {
      if (gone) throw new Error(`${script.pathname} has ended`);
      const question: Question = { id: ++questions, name, argument };
      const asked = Promise.withResolvers<unknown>();
      waiting.set(question.id, asked);
      child.send(question);
      return asked.promise as Promise<Answer<C, N>>;
    },
    async stop() {
      if (gone) return;
      child.disconnect();
      await once(child, "exit");
    },
  };
}
