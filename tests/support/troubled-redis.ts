import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { startTestRedis, type TestRedis } from "./test-redis.ts";

/** A read that waits does so for as much shorter as `QuickClock` is quicker, and a tenth of a second longer than it says. */
const WAITS = "$5\r\nBLOCK\r\n$4\r\n2000\r\n";
const WAITS_QUICKLY = "$5\r\nBLOCK\r\n$3\r\n100\r\n";

/** A real Redis, on a way that can be slow, or lead nowhere. */
export class TroubledRedis {
  readonly url: string;
  /** How long what is said takes to arrive (ms on the wall), either way. */
  delay = () => 0;
  /** While it leads nowhere, nothing passes and nothing breaks off. */
  shut = false;
  readonly #redis: TestRedis;
  readonly #stop: () => Promise<void>;
  /** What it goes through happens one after the other. */
  #done: Promise<unknown> = Promise.resolve();

  private constructor(redis: TestRedis, url: string, stop: () => Promise<void>) {
    this.#redis = redis;
    this.url = url;
    this.#stop = stop;
  }

  static async start(): Promise<TroubledRedis> {
    const redis = await startTestRedis();
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(redis.port, "127.0.0.1");
      pass(near, far, (said) => said.replaceAll(WAITS, WAITS_QUICKLY));
      pass(far, near, (said) => said);
    });
    const pass = (from: Socket, to: Socket, change: (said: string) => string) => {
      let arrived: Promise<unknown> = Promise.resolve();
      let dead = false;
      sockets.add(from);
      from.setEncoding("latin1");
      from.on("data", (said: string) => {
        dead ||= troubled.shut;
        if (dead) return;
        const ms = troubled.delay();
        arrived = Promise.all([arrived, ms > 0 && sleep(ms)]).then(() =>
          to.write(change(said), "latin1"),
        );
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    };
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const troubled = new TroubledRedis(redis, `redis://127.0.0.1:${port}`, async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await redis.stop();
    });
    return troubled;
  }

  /** It loses all that it holds. */
  lose(): Promise<unknown> {
    this.#done = this.#done.then(() => this.#redis.command("FLUSHALL"));
    return this.#done;
  }

  /** It crashes, and comes back with nothing. */
  restart(): Promise<unknown> {
    this.#done = this.#done.then(() => this.#redis.restart());
    return this.#done;
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}
