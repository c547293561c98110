/** Loaded into each instance before anything else: its clock is a minute off, in a direction of its own. */
const SKEWS_MS: Readonly<Record<string, number>> = { "local-1": 60_000, "local-2": -60_000 };
const skew = SKEWS_MS[process.env["WEBSITE_POD_NAME"] ?? ""] ?? 0;

globalThis.Date = new Proxy(Date, {
  construct: (system, parts: unknown[]) =>
    parts.length === 0
      ? new system(system.now() + skew)
      : (Reflect.construct(system, parts) as Date),
  get: (system, name): unknown =>
    name === "now" ? () => system.now() + skew : Reflect.get(system, name),
});
