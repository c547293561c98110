import { readdir, readFile } from "node:fs/promises";
import { METRICS } from "../../shared/telemetry/metrics.ts";
import type { BicepFile } from "./bicep-file.ts";
import type { Fault } from "./fault.ts";

const LOG = "shared/log.ts";
const QUERIES = "infra/queries/";

/** A query: a file of its own, or a block of the documentation. */
interface Query {
  readonly file: string;
  readonly text: string;
}

/** Alerts and pages ask for events, fields and metrics that the server writes. */
export async function checkQueries(files: readonly BicepFile[], root: URL): Promise<Fault[]> {
  const events = await emittedEvents(root);
  const fields = await auditFields(root);
  const queries = [...(await queryFiles(root)), ...(await queriesInDocs(root))];
  return [
    ...queries.flatMap(({ file, text }) => [
      ...eventsIn(text)
        .filter((event) => !events.has(event))
        .map((event) => ({ file, message: `nothing writes the audit event ${event}` })),
      ...fieldsIn(text)
        .filter((field) => !fields.has(field))
        .map((field) => ({ file, message: `an audit event has no field ${field}` })),
      ...metricsIn(text)
        .filter((metric) => !(metric in METRICS))
        .map((metric) => ({ file, message: `nothing counts ${metric}` })),
    ]),
    ...queries
      .filter(({ file }) => file.startsWith(QUERIES))
      .filter(({ file }) => !files.some(({ text }) => text.includes(file.slice(QUERIES.length))))
      .map(({ file }) => ({ file, message: "nothing uses it" })),
  ];
}

async function queryFiles(root: URL): Promise<Query[]> {
  const names = await readdir(new URL(QUERIES, root));
  return Promise.all(
    names.map(async (name) => ({
      file: `${QUERIES}${name}`,
      text: await readFile(new URL(`${QUERIES}${name}`, root), "utf8"),
    })),
  );
}

async function queriesInDocs(root: URL): Promise<Query[]> {
  const names = (await readdir(new URL("docs/", root))).filter((name) => name.endsWith(".md"));
  const found = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(`docs/${name}`, root), "utf8");
      return [...text.matchAll(/^```kusto$([^]*?)^```$/gm)].map(([, block = ""]) => ({
        file: `docs/${name}`,
        text: block,
      }));
    }),
  );
  return found.flat();
}

/** What is compared with `a.audit`. */
function eventsIn(query: string): string[] {
  return [...query.matchAll(/\baudit (?:==|in) (\([^)]*\)|"[^"]*")/g)].flatMap(([, list = ""]) =>
    stringsIn(list),
  );
}

function fieldsIn(query: string): string[] {
  return [...query.matchAll(/\ba\.(\w+)/g)].map(([, field]) => field ?? "");
}

function metricsIn(query: string): string[] {
  return stringsIn(query).filter((text) => text.startsWith("mcp."));
}

function stringsIn(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"/g)].map(([, inner]) => inner ?? "");
}

/** The events that some code writes, not those that it might. */
async function emittedEvents(root: URL): Promise<ReadonlySet<string>> {
  const names = await readdir(new URL("shared/", root), { recursive: true });
  const texts = await Promise.all(
    names
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFile(new URL(`shared/${name}`, root), "utf8")),
  );
  return new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/\.audit\(\s*"([a-z-]+)"/g)].map(([, event]) => event ?? ""),
    ),
  );
}

async function auditFields(root: URL): Promise<ReadonlySet<string>> {
  const text = await readFile(new URL(LOG, root), "utf8");
  const declared = /^export interface AuditFields \{$([^]*?)^\}$/m.exec(text)?.[1] ?? "";
  const names = [...declared.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => name ?? "");
  return new Set(["audit", ...names]);
}
