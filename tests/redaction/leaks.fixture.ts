import { afterAll, beforeAll, it } from "vitest";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { createTestApp } from "../support/test-app.ts";

// Not a test of the suite: planted-leaks.test.ts runs it, and expects the run to fail.

let entra: RunningEntra;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());

it("a server that writes an access token into its log", async () => {
  const app = createTestApp({ entraUrl: entra.url });
  const { access_token: token } = await new OAuthTestClient(app.baseUrl, app.fetch).tokens();
  if (process.env["PLANT_A_LEAK"] === "1") app.recording.info("request", { token });
});
