import type { BindingInfo, Worker } from "./core-api.ts";
import type { HttpFunction } from "./router.ts";
import type { TimerFunction } from "./timers.ts";

/** The functions of an app by their triggers; others than these two cannot be run here. */
export interface AppFunctions {
  readonly http: HttpFunction[];
  readonly timers: readonly TimerFunction[];
  readonly others: readonly string[];
}

/** Reads from the registered bindings what the host needs to know of each function. */
export function listFunctions({ functions }: Worker): AppFunctions {
  const http: HttpFunction[] = [];
  const timers: TimerFunction[] = [];
  const others: string[] = [];
  for (const [name, { metadata }] of functions) {
    const trigger: BindingInfo | undefined = Object.values(metadata.bindings).find(({ type }) =>
      /trigger$/i.test(String(type)),
    );
    switch (String(trigger?.["type"]).toLowerCase()) {
      case "httptrigger":
        http.push({ name, route: text(trigger, "route"), methods: methodsOf(trigger) });
        break;
      case "timertrigger":
        timers.push({
          name,
          schedule: text(trigger, "schedule") ?? "",
          runOnStartup: trigger?.["runOnStartup"] === true,
          useMonitor: trigger?.["useMonitor"] !== false,
        });
        break;
      default:
        others.push(name);
    }
  }
  return { http, timers, others };
}

function text(binding: BindingInfo | undefined, name: string): string | undefined {
  const value = binding?.[name];
  return typeof value === "string" ? value : undefined;
}

function methodsOf(binding: BindingInfo | undefined): string[] {
  const methods = binding?.["methods"];
  return Array.isArray(methods) ? methods.map(String) : [];
}
