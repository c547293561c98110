import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { PUBLISHER } from "./entra/service-principals.ts";
import { fail, port, ROOT, whenNpmIsGone } from "./stack/command-line.ts";
import { planLocalStack } from "./stack/local-settings.ts";

const USAGE = `Publish a value:     npm run feed -- <topic> <json or text>
Publish prices:      npm run feed -- --prices`;

const PRICE_EVERY_MS = 500;

/** `npm run feed`: publishes to the local stack, as another system of the tenant would. */
async function feed(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      prices: { type: "boolean", default: false },
      port: { type: "string" },
      "entra-port": { type: "string" },
    },
  });
  const [app, entra] = [port("--port", values.port), port("--entra-port", values["entra-port"])];
  const plan = planLocalStack(
    ROOT,
    { ...(app !== undefined && { app }), ...(entra !== undefined && { entra }) },
    process.env,
  );
  if (!plan.withEntra) throw new Error("This publishes through the Entra stand-in only.");
  const publisher = new Publisher(
    plan.values["PUBLIC_BASE_URL"] ?? `http://localhost:${plan.ports.app}`,
    `http://localhost:${plan.ports.entra}/${plan.values["ENTRA_TENANT_ID"]}`,
    plan.values["ENTRA_CLIENT_ID"] ?? "",
  );
  if (values.prices) {
    await publishPrices(publisher);
    return;
  }
  const [topic, value, ...more] = positionals;
  if (topic === undefined || value === undefined || more.length > 0) throw new Error(USAGE);
  console.log(`${topic}: ${await publisher.publish(topic, jsonOrText(value))}`);
}

/** A price that moves, until somebody presses Ctrl-C. */
async function publishPrices(publisher: Publisher): Promise<void> {
  let price = 100;
  whenNpmIsGone(() => process.exit());
  console.log("Publishing feed://prices twice a second. Ctrl-C ends it.");
  for (;;) {
    price = Math.max(1, price + (Math.random() - 0.5) * 2);
    const value = { symbol: "CTSO", price: Number(price.toFixed(2)), at: new Date().toISOString() };
    console.log(`${value.price}  ${await publisher.publish("prices", value)}`);
    await sleep(PRICE_EVERY_MS);
  }
}

/** Another system: a program with a token of its own. */
class Publisher {
  readonly #baseUrl: string;
  readonly #authority: string;
  readonly #resource: string;
  #token: string | undefined;

  constructor(baseUrl: string, authority: string, resource: string) {
    this.#baseUrl = baseUrl;
    this.#authority = authority;
    this.#resource = resource;
  }

  /** @returns What became of it. */
  async publish(topic: string, value: unknown): Promise<string> {
    const response = await this.#post(topic, value);
    // Tokens live for an hour.
    if (response.status === 401 && this.#token !== undefined) {
      this.#token = undefined;
      return this.publish(topic, value);
    }
    const text = await response.text();
    if (!response.ok) throw new Error(`/publish answered ${response.status}: ${text}`);
    return (JSON.parse(text) as { result: string }[])[0]?.result ?? "";
  }

  async #post(topic: string, value: unknown): Promise<Response> {
    this.#token ??= await this.#requestToken();
    return fetch(`${this.#baseUrl}/publish`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      body: JSON.stringify([{ topic, value, sequence: Date.now() }]),
    });
  }

  async #requestToken(): Promise<string> {
    const response = await fetch(`${this.#authority}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: PUBLISHER.clientId,
        client_secret: PUBLISHER.secret,
        scope: `${this.#resource}/.default`,
      }),
    });
    if (!response.ok) throw new Error(`No token: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { access_token: string }).access_token;
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

await feed().catch((error: unknown) => {
  if (error instanceof TypeError) {
    fail(new Error("Nothing answers: start the server first, with npm start.", { cause: error }));
  }
  fail(error);
});
