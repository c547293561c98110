import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import { buildPackage, buildPackageWith } from "../build-package.ts";
import { ROOT } from "../stack/command-line.ts";
import { freePort } from "../stack/ports.ts";
import { hasRedis, startRedis } from "../stack/start-redis.ts";
import { type Installation, startInstallation } from "./installation.ts";
import type { Load } from "./load/load-process.ts";
import { machine } from "./machine.ts";
import { coldStarts } from "./measure/cold-starts.ts";
import { directCalls } from "./measure/direct-calls.ts";
import { hostedCalls } from "./measure/hosted-calls.ts";
import { idleStreams } from "./measure/idle-streams.ts";
import { liveChanges } from "./measure/live-changes.ts";
import { relayedCalls } from "./measure/relayed-calls.ts";
import { signIns } from "./measure/sign-ins.ts";
import { type Remote, startRemote } from "./remote.ts";
import { printTables, save } from "./report/report.ts";
import type { AtSize, Results } from "./results.ts";

// npm run bench [-- --save] [-- --quick]

const { values: flags } = parseArgs({
  options: {
    /** Writes what docs/benchmarks.md shows. */
    save: { type: "boolean", default: false },
    /** A tenth of everything, to see that it works. */
    quick: { type: "boolean", default: false },
  },
});

/** Work in the tables: for a few people, and for many. */
const SMALL = 10;
const LARGE = flags.quick ? 200 : 10_000;
/** The most that an instance in Azure holds, and ten times as many. */
const STREAMS = flags.quick ? [100, 200] : [1_000, 10_000];

const rounds = flags.quick
  ? { rounds: 3, roundMs: 300, warmUpCalls: 2_000 }
  : { rounds: 9, roundMs: 500, warmUpCalls: 10_000 };
const fewer = {
  ...rounds,
  rounds: Math.ceil(rounds.rounds / 2),
  warmUpCalls: rounds.warmUpCalls / 2,
};

const folder = new URL(".data/bench/", ROOT);
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });

const startedAt = Date.now();
const before = await machine();
say("Building");
await buildPackage();
const packageRoot = new URL("package/", folder);
await buildPackageWith(packageRoot, new URL("echo-features.ts", import.meta.url));
const installation = await startInstallation();
const redis = hasRedis() ? await startRedis(await freePort()) : undefined;
const load = await startRemote<Load>(new URL("load/load-process.ts", import.meta.url));
try {
  const results = await measureAll(installation, load, redis?.url);
  printTables(results);
  await save(results, flags.save ? new URL("docs/", ROOT) : folder);
} finally {
  await load.stop();
  await redis?.stop();
  await installation.stop();
}

async function measureAll(
  installed: Installation,
  loading: Remote<Load>,
  redisUrl: string | undefined,
): Promise<Results> {
  const { env } = installed;
  const tokens = await installed.addSessions(SMALL);
  const [token = ""] = tokens;

  say("Cold starts");
  const starts = await coldStarts({ packageRoot, workFolder: folder, env, token });
  const byRedis = redisUrl && {
    by: "redis",
    env: { ...env, REDIS_URL: redisUrl },
    tokens,
    silences: 1,
  };
  // First, while the tables are small: to list a partition, Azurite goes through the whole of a table.
  say("Live data");
  const liveByRedis = byRedis && (await liveChanges(loading, { ...byRedis, silences: 0 }));
  const live = [await liveChanges(loading, { by: "tables", env, tokens, silences: 1 })];
  if (liveByRedis) live.push(liveByRedis);
  const small = await atSize(SMALL, tokens, true);
  const relayedByRedis = byRedis ? await relayedCalls(loading, byRedis) : undefined;
  say("Calls through the Functions host");
  const hosted = await hostedCalls(loading, { packageRoot, env, tokens, ...fewer });

  say(`${LARGE} sessions`);
  const many = await installed.addSessions(LARGE - SMALL);
  const large = await atSize(LARGE, tokens, false);
  say("Idle streams");
  const streams = await idleStreams(env, [...tokens, ...many], STREAMS);
  return {
    takenAt: new Date().toISOString(),
    seconds: Math.round((Date.now() - startedAt) / 1000),
    machine: { ...before, loadAfter: (await machine()).loadBefore },
    small,
    large,
    hosted,
    ...(relayedByRedis !== undefined && { relayedByRedis }),
    live,
    streams,
    starts,
    packageBytes: await sizeOf(new URL("dist/", ROOT)),
  };

  async function atSize(sessions: number, own: readonly string[], whole: boolean): Promise<AtSize> {
    say(`Calls, with ${sessions} sessions in the tables`);
    const calls = await directCalls(loading, { env, tokens: own, ...(whole ? rounds : fewer) });
    say(`Relayed calls, with ${sessions} sessions in the tables`);
    const silences = whole ? 1 : 0;
    const relayed = await relayedCalls(loading, { by: "tables", env, tokens: own, silences });
    say(`Sign-ins, with ${sessions} sessions in the tables`);
    return { sessions, calls, relayed, signIn: await signIns(env) };
  }
}

async function sizeOf(package_: URL): Promise<number> {
  const files = await readdir(package_);
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(new URL(file, package_))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function say(what: string): void {
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  console.error(`${String(seconds).padStart(4)} s  ${what} …`);
}
