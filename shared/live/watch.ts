import type { Clock } from "../clock.ts";
import type { Graph } from "../entra/graph.ts";
import type { Features } from "../features/feature.ts";
import type { Scope } from "../oauth/scopes.ts";

/**
 * How a resource is watched at its source, so that its subscribers hear of changes that are made elsewhere.
 * A feature says these three things; when they happen, and that they happen once, is shared.
 */
export interface Watch {
  /** The scope that the client of the session must have, on whose behalf it is watched. */
  readonly requires: Scope;
  /** @returns What the source calls it, and when it ends by itself (ms). */
  start(source: WatchSource): Promise<Started>;
  /**
   * Lets it go on.
   *
   * @param options.fresh With a new token: the source has said that the one it knows is about to expire.
   * @returns When it ends now (ms), or undefined where the source no longer has it.
   */
  renew(
    id: string,
    source: WatchSource,
    options: { fresh: boolean },
  ): Promise<{ readonly expiresAt: number } | undefined>;
  /** Ends it at the source. It is no fault if it is not there any more. */
  stop(id: string, source: WatchSource): Promise<void>;
}

export interface Started {
  readonly id: string;
  readonly expiresAt: number;
}

/** What a watch works with: it acts as the person. */
export interface WatchSource {
  readonly graph: Graph;
  readonly clock: Clock;
  /** Where the source tells of changes. */
  readonly notificationUrl: string;
  /** What it tells with each, so that it is known for itself. */
  readonly clientState: string;
}

/** @returns The watches that a server's resources have, by resource. */
export function watchesOf({ resources }: Features): ReadonlyMap<string, Watch> {
  return new Map(
    resources.flatMap(({ uri, watch }) => (watch === undefined ? [] : [[uri, watch] as const])),
  );
}

/**
 * Whether Microsoft Graph can reach this server with notifications: it posts to https only, but for a
 * stand-in on this machine.
 */
export function canBeNotified(config: { baseUrl: string; graphBaseUrl: string }): boolean {
  return config.baseUrl.startsWith("https:") || config.graphBaseUrl.startsWith("http:");
}
