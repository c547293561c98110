import { request } from "node:http";
import { createInvocationId, invoke } from "../../functions-host/invoke.ts";
import { type LoadedApp, loadApp } from "../../functions-host/load-app.ts";

// A Functions worker that loads an app, answers one request with it, and tells when: as the genuine one does,
// and no more than that.

export interface OneRequest {
  readonly root: string;
  readonly main: string;
  readonly functionName: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

export interface OneAnswer {
  /** Of the clock that all processes of a machine share (ms). */
  readonly at: number;
  readonly status: number;
}

const asked = JSON.parse(process.argv[2] ?? "") as OneRequest;
const settings = {
  main: asked.main,
  isModule: true,
  routePrefix: "",
  functionTimeoutMs: undefined,
  logLevels: {},
  recordsTraces: false,
};
const app = await loadApp(asked.root, settings, () => undefined);
const status = await answerOne(app, asked);
const answer: OneAnswer = { at: performance.timeOrigin + performance.now(), status };
process.send?.(answer, () => process.exit());

async function answerOne(loaded: LoadedApp, { functionName, method, path, ...what }: OneRequest) {
  const invocationId = createInvocationId();
  const headers = {
    ...what.headers,
    "x-ms-invocation-id": invocationId,
    "x-forwarded-host": "localhost:7071",
    "x-forwarded-proto": "http",
  };
  const answered = new Promise<number>((resolve, reject) => {
    const outgoing = request(new URL(path, loaded.httpUri), { method, headers }, (incoming) => {
      incoming.on("end", () => resolve(incoming.statusCode ?? 0)).resume();
    });
    outgoing.on("error", reject).end(what.body);
  });
  await invoke(loaded, {
    functionName,
    invocationId,
    triggerData: { string: "" },
    triggerMetadata: {
      Headers: { json: JSON.stringify(what.headers) },
      Query: { json: "{}" },
    },
  });
  return answered;
}
