import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type FunctionsHost,
  startFunctionsHost,
} from "../../tools/functions-host/start-functions-host.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { recorder } from "../support/redaction/recorder.ts";
import type { Fetch } from "../support/user-agent.ts";

/** One release among those that serve an installation. */
export interface Release {
  /** The address of the installation, the same for all of its releases. */
  readonly baseUrl: string;
  /** Reaches the installation at an instance of this release. */
  readonly fetch: Fetch;
  readonly host: FunctionsHost;
}

export interface TwoReleases {
  /** The last one that was released, as it was deployed. */
  readonly before: Release;
  /** What is built here. */
  readonly now: Release;
  readonly stack: LocalStack;
  stop(): Promise<void>;
}

/**
 * Starts the last release and the present build beside each other, as they are while a deployment goes on: on the
 * same tables, with the same settings, at one address.
 */
export async function startTwoReleases(): Promise<TwoReleases> {
  const root = unpackLastRelease();
  const stack = await startLocalStack();
  const host = await startFunctionsHost({
    root,
    port: 0,
    env: stack.settings,
    onLine: recorder.line,
  });
  const [instance] = host.instances;
  if (instance === undefined) throw new Error("the last release has no instance");
  const { baseUrl } = stack;
  return {
    before: { baseUrl, host, fetch: redirecting(baseUrl, instance.url) },
    now: { baseUrl, host: stack.host, fetch },
    stack,
    async stop() {
      await host.stop();
      await stack.stop();
      rmSync(root, { recursive: true });
    },
  };
}

/** The version whose deployment package is kept here: exactly one. */
export function lastVersion(): string {
  const [file, ...others] = readdirSync(new URL(".", import.meta.url)).filter((name) =>
    name.endsWith(".tgz"),
  );
  if (file === undefined || others.length > 0) {
    throw new Error("tests/releases/ must hold one package: that of the last release");
  }
  return basename(file, ".tgz");
}

/** @returns A folder with the deployment package of the last release. */
function unpackLastRelease(): string {
  const archive = fileURLToPath(new URL(`${lastVersion()}.tgz`, import.meta.url));
  const root = mkdtempSync(join(tmpdir(), "release-"));
  execFileSync("tar", ["-xzf", archive, "-C", root]);
  return root;
}

/** As a balancer that sends what is meant for the installation to one instance. */
function redirecting(baseUrl: string, instanceUrl: string): Fetch {
  return (url, init) => {
    const target = new URL(url);
    if (target.origin !== baseUrl) return fetch(target, init);
    return fetch(new URL(`${target.pathname}${target.search}`, instanceUrl), init);
  };
}
