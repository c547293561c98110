import { type Remote, startRemote } from "../remote.ts";
import type { Ours } from "./ours.ts";

/** Starts a process for instances of the server. @param flags For Node. */
export function startOurs(flags: readonly string[] = []): Promise<Remote<Ours>> {
  return startRemote<Ours>(new URL("ours.ts", import.meta.url), flags);
}

/** Ends processes, and before that the instances in them, in order. */
export async function stopInOrder(...servers: readonly Remote<Ours>[]): Promise<void> {
  for (const server of servers) {
    await server.ask("close");
    await server.stop();
  }
}
