import type { Change } from "../features/call.ts";
import type { Connection, Connections } from "./connections.ts";

/** How often a client is told about one resource at most: ten times a second. */
const PACE_MS = 100;

/** A feed that has a new value. */
export interface FeedNews {
  readonly uri: string;
  /** Whom it is for; everybody where it is left out. */
  readonly userKeys?: string[] | undefined;
  /** The app role that its readers need. */
  readonly requiredRole?: string | undefined;
  /** Whether its readers have not had it listed before. */
  readonly isNew: boolean;
}

interface Paced {
  /** Something has changed since the client was told. */
  again: boolean;
}

/**
 * Tells the connections of this instance about changes. A burst on one resource becomes one word at its beginning
 * and one at the end of each tenth of a second: the client reads then, and reads what is newest.
 */
export class Announcer {
  readonly #connections: Connections;
  readonly #paced = new WeakMap<Connection, Map<string, Paced>>();

  constructor(deps: { connections: Connections }) {
    this.#connections = deps.connections;
  }

  /** Tells the clients of a person. */
  announce(userKey: string, change: Change): void {
    this.#tellAll(this.#connections.of(userKey), change);
  }

  /** Tells those who have subscribed to a feed, and may read it. */
  announceFeed({ uri, userKeys, requiredRole, isNew }: FeedNews): void {
    const own = userKeys?.flatMap((userKey) => this.#connections.of(userKey));
    const readers = (own ?? this.#connections.all()).filter(
      ({ session }) => requiredRole === undefined || session.roles.includes(requiredRole),
    );
    if (isNew) this.#tellAll(readers, { kind: "resources-changed" });
    this.#tellAll(readers, { kind: "resource-updated", uri });
  }

  #tellAll(connections: readonly Connection[], change: Change): void {
    for (const connection of connections) {
      if (change.kind === "resource-updated") this.#paceUpdate(connection, change);
      else tell(connection, change);
    }
  }

  #paceUpdate(connection: Connection, change: Change & { uri: string }): void {
    if (!connection.wants(change.uri)) return;
    const resources = this.#paced.get(connection) ?? new Map<string, Paced>();
    this.#paced.set(connection, resources);
    const paced = resources.get(change.uri);
    if (paced !== undefined) {
      paced.again = true;
      return;
    }
    resources.set(change.uri, { again: false });
    tell(connection, change);
    const timer = setInterval(() => {
      const now = resources.get(change.uri);
      if (now?.again === true) {
        now.again = false;
        tell(connection, change);
        return;
      }
      clearInterval(timer);
      resources.delete(change.uri);
    }, PACE_MS);
    timer.unref();
  }
}

function tell(connection: Connection, change: Change): void {
  // A stream that is just ending has nobody to tell.
  connection.announce(change).catch(() => undefined);
}
