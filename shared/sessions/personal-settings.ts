import { z } from "zod";
import { joinText, longText, type LongText, splitText } from "../storage/long-text.ts";
import { RowChanged, RowExists, type Store } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";

const MAX_SAVED = 50;

const name = z.string().trim().min(1).max(64);

export const settingsSchema = z.object({
  filters: z
    .record(name, z.string().min(1).max(200))
    .refine((filters) => Object.keys(filters).length <= MAX_SAVED, `at most ${MAX_SAVED} filters`)
    .describe("Named filters: a name, and the text that an event's subject must contain"),
  timeZone: z
    .string()
    .refine(isTimeZone, "must be an IANA time zone such as Europe/Berlin")
    .describe("IANA time zone in which times are shown"),
  savedPrompts: z
    .array(
      z.object({
        name: name.regex(/^[\w.-]+$/, "may have letters, digits, dots, dashes and underscores"),
        text: z.string().min(1).max(2_000),
      }),
    )
    .max(MAX_SAVED)
    .refine(
      (prompts) => new Set(prompts.map((prompt) => prompt.name)).size === prompts.length,
      "names must differ",
    )
    .describe("The person's own prompts, offered beside the built-in ones"),
});

/** What a person keeps here. It stays when a session ends. */
export type SettingsValue = z.infer<typeof settingsSchema>;

const DEFAULTS: SettingsValue = { filters: {}, timeZone: "UTC", savedPrompts: [] };

/** The `settings` table: one row a person. */
export class SettingsTable {
  readonly #table;

  constructor(deps: { store: Store }) {
    this.#table = new TypedTable(deps.store, "settings", longText);
  }

  /** @returns The settings of one person, and nobody else's. */
  of(userKey: string): PersonalSettings {
    const key = { partition: userKey, row: "settings" };
    const table = this.#table;
    return {
      async read() {
        return parse((await table.get(key))?.value);
      },
      async update(change) {
        // Two clients of one person may write at once: the later one starts again from what it finds.
        for (;;) {
          const found = await table.get(key);
          const next = { ...parse(found?.value), ...change };
          try {
            const value = splitText(JSON.stringify(next));
            await (found === undefined ? table.insert(key, value) : table.replace(found, value));
            return next;
          } catch (error) {
            if (!(error instanceof RowChanged || error instanceof RowExists)) throw error;
          }
        }
      },
    };
  }
}

/** What one person keeps, to read and to change. */
export interface PersonalSettings {
  /** @returns The settings, with defaults for what the person has never set. */
  read(): Promise<SettingsValue>;
  /** Replaces what is given and keeps the rest. @returns The settings as they are now. */
  update(change: Partial<SettingsValue>): Promise<SettingsValue>;
}

function parse(value: LongText | undefined): SettingsValue {
  return value === undefined ? DEFAULTS : settingsSchema.parse(JSON.parse(joinText(value)));
}

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
