import { type IncomingMessage, request } from "node:http";
import { startLocalServer } from "./local-server.ts";

/** A way to a server on this machine on which answers get lost. */
export interface LossyProxy {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Passes requests on to a port of this machine. A request whose answer is to get lost arrives and is carried
 * out, and then its connection is cut.
 *
 * @param loses Whether the answer to a request gets lost.
 */
export async function startLossyProxy(
  port: number,
  loses: (request: IncomingMessage) => boolean,
): Promise<LossyProxy> {
  const server = await startLocalServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const passedOn = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      if (loses(incoming)) {
        // Read to its end: the server has done what it was asked.
        answer.resume().on("end", () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passedOn.on("error", () => incoming.socket.destroy());
    incoming.pipe(passedOn);
  });
  return { port: Number(new URL(server.url).port), stop: () => server.stop() };
}
