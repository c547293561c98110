import {
  odata,
  RestError,
  type TableClient,
  type TableEntityResult,
  type TransactionAction,
} from "@azure/data-tables";
import { z } from "zod";
import {
  type Etag,
  type Key,
  type Row,
  RowChanged,
  RowExists,
  StorageUnavailable,
  type Some,
  type Store,
  type TableName,
  type Tries,
  type Value,
} from "./store.ts";
import { connectTable, type TableAccess } from "./table-access.ts";

/** An operation that takes longer is given up: the caller answers 503 instead of hanging. */
const OPERATION_TIMEOUT_MS = 5_000;

/** What the table service puts on a page. */
const PAGE_MAX = 1_000;

/** Where the library puts the service's own error code. */
const tableError = z.object({ odataError: z.object({ code: z.string() }) });

/** The Azure Table Storage adapter. A table that is missing is made when it is first written or read. */
export class TableStore implements Store {
  readonly #access: TableAccess;
  readonly #clients = new Map<string, TableClient>();

  /** @param access The connection string of Azurite, or an account and who we are to it. */
  constructor(access: TableAccess) {
    this.#access = access;
  }

  async get(table: TableName, { partition, row }: Key): Promise<Row | undefined> {
    try {
      return await this.#run(table, async (client, options) => {
        const { onResponse, date } = answerDate();
        const entity = await client.getEntity(partition, row, { ...options, onResponse });
        return toRow(entity, date());
      });
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async insert(table: TableName, key: Key, value: Value, tries: Tries = "several"): Promise<Etag> {
    try {
      const { etag } = await this.#run(
        table,
        (client, options) => client.createEntity(toEntity(key, value), options),
        tries,
      );
      return requireEtag(etag);
    } catch (error) {
      if (statusOf(error) === 409) throw new RowExists(`${table} ${key.row}`, { cause: error });
      throw error;
    }
  }

  async replace(table: TableName, key: Key, value: Value, etag: Etag): Promise<Etag> {
    try {
      const answer = await this.#run(table, (client, options) =>
        client.updateEntity(toEntity(key, value), "Replace", { ...options, etag }),
      );
      return requireEtag(answer.etag);
    } catch (error) {
      throw isChanged(error) ? new RowChanged(`${table} ${key.row}`, { cause: error }) : error;
    }
  }

  async put(table: TableName, key: Key, value: Value): Promise<Etag> {
    const { etag } = await this.#run(table, (client, options) =>
      client.upsertEntity(toEntity(key, value), "Replace", options),
    );
    return requireEtag(etag);
  }

  async delete(table: TableName, { partition, row }: Key, etag?: Etag): Promise<boolean> {
    try {
      await this.#run(table, (client, options) =>
        client.deleteEntity(partition, row, { ...options, etag: etag ?? "*" }),
      );
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw isChanged(error) ? new RowChanged(`${table} ${row}`, { cause: error }) : error;
    }
  }

  async deleteAll(table: TableName, keys: readonly Key[]): Promise<void> {
    const [first] = keys;
    if (first === undefined) return;
    const actions = keys.map((key): TransactionAction => ["delete", toEntity(key, {})]);
    try {
      await this.#run(table, (client, options) => client.submitTransaction(actions, options));
    } catch (error) {
      throw isChanged(error)
        ? new RowChanged(`${table} ${first.partition}`, { cause: error })
        : error;
    }
  }

  async *list(table: TableName, partition: string, some?: Some): AsyncIterable<Row> {
    const filter =
      some === undefined
        ? odata`PartitionKey eq ${partition}`
        : odata`PartitionKey eq ${partition} and RowKey ge ${some.prefix} and RowKey lt ${after(some.prefix)}`;
    let left = some?.max ?? Infinity;
    let continuationToken: string | undefined;
    do {
      const from = continuationToken;
      // A page at a time, so that each one has its own deadline.
      const { onResponse, date } = answerDate();
      const page = await this.#run(table, async (client, options) => {
        const pages = client
          .listEntities({ queryOptions: { filter }, ...options, onResponse })
          .byPage({
            ...(from !== undefined && { continuationToken: from }),
            ...(left < PAGE_MAX && { maxPageSize: left }),
          });
        for await (const entities of pages) return entities;
        return undefined;
      });
      for (const entity of page ?? []) {
        if (left-- > 0) yield toRow(entity, date());
      }
      continuationToken = page?.continuationToken;
    } while (continuationToken !== undefined && left > 0);
  }

  async #run<T>(
    table: TableName,
    operation: (client: TableClient, options: { abortSignal: AbortSignal }) => Promise<T>,
    tries: Tries = "several",
  ): Promise<T> {
    const client = this.#client(table, tries);
    const options = { abortSignal: AbortSignal.timeout(OPERATION_TIMEOUT_MS) };
    try {
      try {
        return await operation(client, options);
      } catch (error) {
        if (!isTableMissing(error)) throw error;
        await client.createTable(options);
        return await operation(client, options);
      }
    } catch (error) {
      if (isAnswer(error)) throw error;
      throw new StorageUnavailable(whatHappened(table, statusOf(error)), { cause: error });
    }
  }

  #client(table: TableName, tries: Tries): TableClient {
    const name = `${table} ${tries}`;
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = connectTable(this.#access, table, tries);
      this.#clients.set(name, client);
    }
    return client;
  }
}

/** @returns A key that comes after all that begin with `prefix`. */
function after(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

function toEntity({ partition, row }: Key, value: Value) {
  return { ...value, partitionKey: partition, rowKey: row };
}

/** Reads the `Date` of an answer (ms), which is the time of the service's clock. */
function answerDate() {
  let ms = Number.NaN;
  return {
    onResponse: ({ headers }: { headers: { get(name: string): string | undefined } }) => {
      ms = Date.parse(headers.get("date") ?? "");
    },
    date: () => ms,
  };
}

function toRow(entity: TableEntityResult<Record<string, unknown>>, readAt: number): Row {
  const { partitionKey, rowKey, etag, timestamp, "odata.metadata": __, ...rest } = entity;
  const value: Record<string, string | number | boolean> = {};
  for (const [name, property] of Object.entries(rest)) {
    if (
      typeof property === "string" ||
      typeof property === "number" ||
      typeof property === "boolean"
    ) {
      value[name] = property;
    }
  }
  return {
    key: { partition: partitionKey ?? "", row: rowKey ?? "" },
    etag: requireEtag(etag),
    value,
    writtenAt: Date.parse(timestamp ?? ""),
    readAt,
  };
}

function requireEtag(etag: string | undefined): Etag {
  if (etag === undefined) throw new StorageUnavailable("the table service sent no ETag");
  return etag;
}

/** For the operator, in the log. */
function whatHappened(table: TableName, status: number | undefined): string {
  switch (status) {
    case 401:
    case 403:
      return (
        `table ${table} refuses the app's identity. It needs the role Storage Table Data Contributor on the ` +
        "account; a new assignment takes up to ten minutes. The account's firewall says the same."
      );
    case undefined:
      return `table ${table} did not answer`;
    default:
      return `table ${table} answered ${status}`;
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof RestError ? error.statusCode : undefined;
}

/** 404 to a conditional write means the row is gone: for the one who read it, that is a change. */
function isChanged(error: unknown): boolean {
  const status = statusOf(error);
  return status === 412 || status === 404;
}

function isTableMissing(error: unknown): boolean {
  return (
    error instanceof RestError &&
    tableError.safeParse(error.details).data?.odataError.code === "TableNotFound"
  );
}

/** Answers that say something about the row. All others say something about the service. */
function isAnswer(error: unknown): boolean {
  const status = statusOf(error);
  return status === 404 || status === 409 || status === 412;
}
