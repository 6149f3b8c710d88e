/**
 * Connections that have not registered: few, since they cost nothing to open. When there is no room the oldest of the host
 * that has most of them goes, so that somebody who opens many, or who sends his Register a byte at a time, keeps nobody out:
 * an agent registers within a round trip.
 */
import type { VapConnection } from "./connection.ts";

export const UNREGISTERED_MAX = 256;

export interface FreshConnections {
  readonly opened: (connection: VapConnection) => void;
  /** Or it is closed. */
  readonly registered: (connection: number) => void;
}

export const freshConnections = (): FreshConnections => {
  /** The oldest first. */
  const fresh = new Map<number, VapConnection>();
  const hostWithMost = (): string => {
    const counts = new Map<string, number>();
    for (const { host } of fresh.values()) counts.set(host, (counts.get(host) ?? 0) + 1);
    return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
  };
  const makeRoom = (): void => {
    const most = hostWithMost();
    const oldest = [...fresh.values()].find(({ host }) => host === most);
    if (oldest === undefined) return;
    fresh.delete(oldest.id);
    oldest.close("crowded", `${UNREGISTERED_MAX} connections have not registered`);
  };
  return {
    opened: (connection) => {
      if (fresh.size >= UNREGISTERED_MAX) makeRoom();
      fresh.set(connection.id, connection);
    },
    registered: (connection) => void fresh.delete(connection),
  };
};
