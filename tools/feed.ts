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
  const { values, positionals } = readArguments();
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
  const [topic, value, ...more] = positionals;
  if (values.prices && topic === undefined) {
    await publishPrices(publisher);
    return;
  }
  if (topic === undefined || value === undefined || more.length > 0 || values.prices) {
    throw new Error(USAGE);
  }
  console.log(`${topic}: ${await publisher.publish(topic, jsonOrText(value))}`);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        prices: { type: "boolean", default: false },
        port: { type: "string" },
        "entra-port": { type: "string" },
      },
    });
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n\n${USAGE}`, {
      cause,
    });
  }
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
    const known = this.#token;
    let response = await this.#post(topic, value);
    // Tokens live for an hour.
    if (response.status === 401 && known !== undefined) {
      this.#token = undefined;
      response = await this.#post(topic, value);
    }
    const text = await response.text();
    if (!response.ok) throw new Error(`/publish answered ${response.status}: ${text}`);
    return (JSON.parse(text) as { result: string }[])[0]?.result ?? "";
  }

  async #post(topic: string, value: unknown): Promise<Response> {
    this.#token ??= await this.#requestToken();
    return reach(`${this.#baseUrl}/publish`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      body: JSON.stringify([{ topic, value, sequence: Date.now() }]),
    });
  }

  async #requestToken(): Promise<string> {
    const response = await reach(`${this.#authority}/oauth2/v2.0/token`, {
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

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const { origin } = new URL(url);
    throw new Error(`Nothing answers at ${origin}: start the server first, with npm start.`, {
      cause,
    });
  }
}

/** @throws Error for what was meant to be JSON: shells take quotes away. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!/^\s*[{["]/.test(text)) return text;
    throw new Error(
      `The value looks like JSON, and is none: ${text}\nPut it in quotes that your shell keeps, such as '{"price": 1}'.`,
      { cause },
    );
  }
}

await feed().catch(fail);
