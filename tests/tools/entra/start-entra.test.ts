import { execFile } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import { graph, refresh, signIn } from "./support.ts";

const MAIN = join(import.meta.dirname, "../../../tools/entra/main.ts");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "entra-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Asks with any Host header, which `fetch` would not let through. */
function statusFor(entra: RunningEntra, host: string, address = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: address, port: entra.port, path: "/", headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

describe("with a data folder", () => {
  it("keeps refresh tokens and Graph tokens good across a restart", async () => {
    const dataDir = join(folder, "kept");
    const first = await startEntra({ port: 0, dataDir });
    const tokens = await signIn(first);
    await first.stop();
    const second = await startEntra({ port: first.port, dataDir });
    try {
      expect((await graph(second, "/me", tokens.access_token)).status).toBe(200);
      expect((await refresh(second, tokens.refresh_token)).status).toBe(200);
      expect((await stat(join(dataDir, "entra-keys.json"))).mode & 0o077).toBe(0);
    } finally {
      await second.stop();
    }
  });

  it("does not start on damaged keys, and says what to do", async () => {
    await writeFile(join(folder, "entra-keys.json"), "{}");
    await expect(startEntra({ port: 0, dataDir: folder })).rejects.toThrow("Delete it");
  });
});

it("forgets its tokens without a data folder", async () => {
  const first = await startEntra({ port: 0 });
  const tokens = await signIn(first);
  await first.stop();
  const second = await startEntra({ port: 0 });
  expect((await refresh(second, tokens.refresh_token)).status).toBe(400);
  await second.stop();
});

describe("loopback", () => {
  let entra: RunningEntra;
  beforeAll(async () => {
    entra = await startEntra({ port: 0 });
  });
  afterAll(() => entra.stop());

  it.each(["localhost", "127.0.0.1", "[::1]"])("answers to the name %s", async (host) => {
    expect(await statusFor(entra, `${host}:${entra.port}`)).toBe(200);
  });

  it.each(["evil.example", "localhost.evil.example", "127.0.0.1.nip.io"])(
    "refuses the name %j (DNS rebinding)",
    async (host) => {
      expect(await statusFor(entra, host)).toBeGreaterThanOrEqual(400);
    },
  );

  it("says clearly that its port is taken", async () => {
    await expect(startEntra({ port: entra.port })).rejects.toThrow(
      `Port ${entra.port} is taken, so the Entra stand-in cannot start.`,
    );
  });

  it("has no option to listen elsewhere, and its command exits with a reason", async () => {
    const run = promisify(execFile);
    await expect(run(process.execPath, [MAIN, "--host", "0.0.0.0"])).rejects.toMatchObject({
      code: 1,
    });
    const taken: unknown = await run(process.execPath, [MAIN, "--port", String(entra.port)]).catch(
      (error: unknown) => error,
    );
    expect(taken).toHaveProperty("code", 1);
    expect(taken).toHaveProperty(
      "stderr",
      `Port ${entra.port} is taken, so the Entra stand-in cannot start. Stop what uses it, or choose another port.\n`,
    );
  });
});

it("answers 404, 405 and 413 as HTTP has it", async () => {
  const entra = await startEntra({ port: 0 });
  expect((await fetch(`${entra.url}/nothing/here`)).status).toBe(404);
  expect((await fetch(`${entra.url}/v1.0/me`, { method: "DELETE" })).status).toBe(405);
  const big = await fetch(`${entra.url}/admin/switches`, {
    method: "PUT",
    body: "x".repeat(70_000),
  });
  expect(big.status).toBe(413);
  await entra.stop();
});
