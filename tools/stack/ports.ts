import { randomInt } from "node:crypto";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** @throws Error that names the flag, when something listens on the port already. */
export async function requireFreePort(port: number, flag: string): Promise<void> {
  for (const host of ["127.0.0.1", "::1"]) {
    if (await isTaken(port, host)) {
      throw new Error(
        `Port ${port} is taken. Stop what uses it, or choose another one: npm start -- ${flag} ${port + 100}`,
      );
    }
  }
}

/** Waits until something accepts connections on the port. @throws Error after `timeoutMs`. */
export async function waitForPort(port: number, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await accepts(port))) {
    if (Date.now() > deadline) throw new Error(`Nothing answers on port ${port}.`);
    await sleep(50);
  }
}

/** Below the range from which systems give ports to outgoing connections (Linux: from 32768 on). */
const FREE_PORTS = { from: 20_000, to: 32_000 } as const;

/**
 * Chooses a port for something that starts later, and that may start again: no outgoing connection takes it in
 * between, as it could one that the system would give.
 *
 * @returns A port that is free on this machine.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FREE_PORTS.from, FREE_PORTS.to);
    if (!(await isTaken(port, "127.0.0.1")) && !(await isTaken(port, "::1"))) return port;
  }
}

/**
 * Chooses the first of several ports in a row, as {@link freePort} chooses one.
 *
 * @returns A port that is free, as are the `count - 1` after it.
 */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const others = Array.from({ length: count - 1 }, (_, n) => first + n + 1);
    const taken = await Promise.all(
      others.flatMap((port) => [isTaken(port, "127.0.0.1"), isTaken(port, "::1")]),
    );
    if (!taken.includes(true)) return first;
  }
}

function isTaken(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
    server.listen(port, host, () => server.close(() => resolve(false)));
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
