import { Session } from "node:inspector/promises";

/** The share of a process's working time that each area took by itself, the largest first. */
export type Profile = readonly { readonly area: string; readonly share: number }[];

/** Areas by the address of the script; the first that fits counts. */
const AREAS: readonly (readonly [RegExp, string])[] = [
  [/@modelcontextprotocol/, "MCP SDK"],
  [/node_modules\/zod\//, "zod"],
  [/node_modules\/@azure|node_modules\/@typespec/, "Azure SDK"],
  [/node_modules\//, "other packages"],
  [/\/shared\/storage\//, "ours: storage"],
  [/\/shared\/http\//, "ours: http"],
  [/\/shared\/mcp\//, "ours: mcp"],
  [/\/shared\/features\//, "ours: features"],
  [/\/shared\/sessions\//, "ours: bearer check"],
  [/\/shared\/relay\//, "ours: relay"],
  [/\/shared\//, "ours: other"],
  [/\/tools\/bench\//, "the bench's adapter"],
  [/undici/, "Request, Response, Headers"],
  [/webstreams/, "Web streams"],
  [/internal\/crypto/, "crypto"],
  [/^node:/, "node:http, net, timers"],
];

/** Records what this process does for so long (ms). */
export async function profile(ms: number): Promise<Profile> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 250 });
  await session.post("Profiler.start");
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
  const { profile: recorded } = await session.post("Profiler.stop");
  session.disconnect();
  const areas = new Map(
    recorded.nodes.map(({ id, callFrame: { functionName, url } }) => [
      id,
      areaOf(functionName, url),
    ]),
  );
  const times = new Map<string, number>();
  let total = 0;
  for (const [n, id] of (recorded.samples ?? []).entries()) {
    const area = areas.get(id);
    if (area === undefined) continue;
    const time = recorded.timeDeltas?.[n] ?? 0;
    total += time;
    times.set(area, (times.get(area) ?? 0) + time);
  }
  return [...times]
    .map(([area, time]) => ({ area, share: time / total }))
    .toSorted((a, b) => b.share - a.share);
}

/** @returns The area of a function, or undefined for time that nobody spent. */
function areaOf(functionName: string, url: string): string | undefined {
  switch (functionName) {
    case "(idle)":
      return undefined;
    case "(garbage collector)":
      return "garbage collection";
    case "(root)":
    case "(program)":
      return "the machine underneath";
    default:
      // What has no address is built in: writes to sockets, for the most part.
      // The recording itself.
      if (url === "node:inspector") return undefined;
      if (url === "") return "built-in functions, socket writes";
      return AREAS.find(([pattern]) => pattern.test(url))?.[1] ?? "other";
  }
}
