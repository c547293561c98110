import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a service that a test can close. */
export interface TcpGate {
  readonly port: number;
  /**
   * While it is shut, nothing passes and nothing breaks off. Connections that wanted to use it meanwhile are
   * half open from then on.
   */
  shut: boolean;
  stop(): Promise<void>;
}

/** @param port Of the service, on this machine. */
export async function startTcpGate(port: number): Promise<TcpGate> {
  const sockets = new Set<Socket>();
  const gate = { shut: false };
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    let dead = false;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => {
        dead ||= gate.shut;
        if (!dead) to.write(chunk);
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(gate, {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}
