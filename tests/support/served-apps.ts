import { type App } from "../../shared/app.ts";
import type { Features } from "../../shared/features/feature.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { OutageStore } from "./outage-store.ts";
import { createTestApp, type TestApp } from "./test-app.ts";
import { TestClock } from "./test-clock.ts";

export interface ServedApps {
  readonly clock: TestClock;
  readonly memory: MemoryStore;
  readonly apps: readonly (TestApp & { readonly store: OutageStore })[];
  /** Posts that come over the network, from Graph, go to this one of the apps. */
  notify: number;
  stop(): Promise<void>;
}

/**
 * Several instances in this process, on one storage, that the stand-in of Graph reaches over the network: what
 * it posts goes to one of them.
 */
export async function serveApps(options: {
  entraUrl: string;
  count?: number;
  features?: Features;
  env?: Record<string, string>;
}): Promise<ServedApps> {
  const { entraUrl, count = 2, features, env } = options;
  const clock = new TestClock();
  const memory = new MemoryStore(clock);
  const port = await freePort();
  const apps = Array.from({ length: count }, () => {
    const store = new OutageStore(memory);
    const app = createTestApp({
      entraUrl,
      store,
      clock,
      env: { PUBLIC_BASE_URL: `http://localhost:${port}`, ...env },
      ...(features !== undefined && { features }),
    });
    return { ...app, store };
  });
  const served = { notify: 0 };
  const server = await listen(port, () => apps[served.notify]);
  return {
    clock,
    memory,
    apps,
    get notify() {
      return served.notify;
    },
    set notify(n) {
      served.notify = n;
    },
    async stop() {
      for (const { store } of apps) store.down = false;
      await Promise.all(apps.map(({ app }: { app: App }) => app.close()));
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

async function listen(port: number, target: () => TestApp | undefined): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void answerWith(target(), request, Buffer.concat(chunks), response));
  });
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}

async function answerWith(
  app: TestApp | undefined,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  if (app === undefined) {
    response.destroy();
    return;
  }
  const answer = await app.fetch(new URL(request.url ?? "/", app.baseUrl), {
    method: request.method ?? "GET",
    headers: { "content-type": request.headers["content-type"] ?? "" },
    ...(request.method === "POST" && { body: new Uint8Array(body) }),
  });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(await answer.text());
}
