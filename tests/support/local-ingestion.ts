import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { recorder } from "./redaction/recorder.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_CERTIFICATE_KEY } from "./test-certificate.ts";

const KEY = "2a1c9e00-0000-4000-8000-00000000beef";

/** What Application Insights is sent (Breeze, version 2.1), as far as tests look at it. */
const envelope = z.object({
  name: z.string(),
  iKey: z.literal(KEY),
  tags: z.record(z.string(), z.string()),
  data: z.object({
    baseType: z.string(),
    baseData: z.looseObject({
      id: z.string().optional(),
      name: z.string().optional(),
      message: z.string().optional(),
      resultCode: z.string().optional(),
      success: z.boolean().optional(),
      properties: z.record(z.string(), z.string()).optional(),
      metrics: z
        .array(z.looseObject({ name: z.string(), value: z.number(), count: z.number().optional() }))
        .optional(),
    }),
  }),
});

export type Envelope = z.infer<typeof envelope>;

/** The ingestion endpoint of an Application Insights on this machine: takes what its exporter sends, and keeps it. */
export interface LocalIngestion {
  readonly connectionString: string;
  readonly envelopes: readonly Envelope[];
  /** Everything that came, as it came. */
  readonly bodies: readonly string[];
  /** The `Authorization` of each request. */
  readonly authorizations: readonly (string | undefined)[];
  /** Answers with this status, in place of 200. */
  refuse(status: number | undefined): void;
  stop(): Promise<void>;
}

export async function startLocalIngestion(): Promise<LocalIngestion> {
  const envelopes: Envelope[] = [];
  const bodies: string[] = [];
  const authorizations: (string | undefined)[] = [];
  let refusal: number | undefined;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.method !== "POST" || request.url !== "/v2.1/track") {
      response.writeHead(404).end();
      return;
    }
    authorizations.push(request.headers.authorization);
    if (refusal !== undefined) {
      response.writeHead(refusal, { "content-type": "application/json" }).end("{}");
      return;
    }
    bodies.push(body);
    recorder.line(body);
    const items = z.array(envelope).parse(JSON.parse(body));
    envelopes.push(...items);
    response.setHeader("content-type", "application/json");
    const itemsAccepted = items.length;
    response.end(JSON.stringify({ itemsReceived: itemsAccepted, itemsAccepted, errors: [] }));
  }

  const server = createServer(
    { cert: LOOPBACK_CERTIFICATE, key: LOOPBACK_CERTIFICATE_KEY },
    (request, response) => {
      answer(request, response).catch((error: unknown) => {
        bodies.push(`not understood: ${String(error)}`);
        response.writeHead(400).end();
      });
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  const endpoint = `https://127.0.0.1:${address.port}`;
  return {
    connectionString: `InstrumentationKey=${KEY};IngestionEndpoint=${endpoint}/;LiveEndpoint=${endpoint}/`,
    envelopes,
    bodies,
    authorizations,
    refuse(status) {
      refusal = status;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
