import { OAuthTestClient } from "../../../tests/support/oauth-client.ts";
import { latencies, median } from "../load/latencies.ts";
import type { SignInFigures } from "../results.ts";
import { byRoute } from "../servers/counting-store.ts";
import { startOurs } from "../servers/start-ours.ts";

const WARM_UP = 5;
const SAMPLES = 25;

/** Whole sign-ins of one after the other: registration, consent, account picker, code, tokens. */
export async function signIns(env: Readonly<Record<string, string>>): Promise<SignInFigures> {
  const ours = await startOurs();
  const url = await ours.ask("start", { env });
  const baseUrl = env["PUBLIC_BASE_URL"] ?? "";
  let elsewhere = 0;
  // The server is known by another origin than the one that it listens on.
  const browser = async (to: string | URL, init?: RequestInit) => {
    const target = String(to);
    const ownServer = target.startsWith(baseUrl);
    const from = performance.now();
    const response = await fetch(ownServer ? target.replace(baseUrl, url) : target, init);
    if (!ownServer) elsewhere += performance.now() - from;
    return response;
  };
  const signIn = async () => {
    elsewhere = 0;
    const from = performance.now();
    await new OAuthTestClient(baseUrl, browser).tokens("alice");
    return { ms: performance.now() - from, elsewhere };
  };
  for (let n = 0; n < WARM_UP; n++) await signIn();
  await ours.ask("operations");
  const taken = [];
  for (let n = 0; n < SAMPLES; n++) taken.push(await signIn());
  const counted = byRoute(await ours.ask("operations"));
  await ours.stop();
  return {
    samples: SAMPLES,
    ...latencies(taken.map(({ ms }) => ms)),
    standIn: median(taken.map((it) => it.elsewhere)),
    operations: Object.fromEntries(
      Object.entries(counted).map(([route, count]) => [route, count / SAMPLES]),
    ),
  };
}
