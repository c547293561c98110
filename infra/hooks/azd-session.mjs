import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * @typedef {{ status: number, body: unknown }} Answer
 * @typedef {(path: string, method?: "GET" | "DELETE") => Promise<Answer>} Call
 * @typedef {{ arm: Call, graph: Call }} Management
 */

const TIMEOUT_MS = 30_000;

/** Nobody is signed in to azd, or not to this tenant. */
export class NotSignedIn extends Error {}

/** @type {Management} Azure's and Entra's management APIs, as who is signed in to azd. */
export const management = {
  arm: caller("https://management.azure.com"),
  graph: caller("https://graph.microsoft.com/v1.0"),
};

/**
 * @param {string} base
 * @returns {Call}
 */
function caller(base) {
  return async (path, method = "GET") => {
    const token = await azdToken(`${new URL(base).origin}/.default`);
    const response = await fetch(`${base}${path}`, {
      method,
      // Filters on deleted items are among Graph's advanced queries, which want this header.
      headers: { Authorization: `Bearer ${token}`, ConsistencyLevel: "eventual" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  };
}

/** @param {string} scope */
async function azdToken(scope) {
  try {
    const args = ["auth", "token", "--scope", scope, "--output", "json"];
    const { stdout } = await promisify(execFile)("azd", args, { timeout: TIMEOUT_MS });
    const { token } = /** @type {{ token?: unknown }} */ (JSON.parse(stdout));
    if (typeof token !== "string") throw new Error("azd printed no token");
    return token;
  } catch (cause) {
    throw new NotSignedIn(`azd has no token for ${scope}`, { cause });
  }
}
