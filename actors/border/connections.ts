/** Streams from outside: how many each domain has, and why others were not taken. */
import type { Link } from "../proxy/mod.ts";
import type { BorderCounters, ConnectionReason } from "./options.ts";

export interface Connections {
  /** Why it is not served; undefined: it is, and counts. */
  readonly opened: (link: Link) => ConnectionReason | undefined;
  readonly ended: (link: Link) => void;
  readonly refused: (why: ConnectionReason) => void;
  /** So many of one domain from now on; those that are open stay. */
  readonly limit: (ofDomain: number) => void;
  readonly counts: () => Pick<BorderCounters, "connections" | "connectionsRefused">;
}

export const openConnections = (ofDomainAtFirst: number): Connections => {
  let ofDomain = ofDomainAtFirst;
  const byDomains = new Map<string, number>();
  const refusals: Partial<Record<ConnectionReason, number>> = {};
  let connections = 0;
  const refused = (why: ConnectionReason): ConnectionReason => {
    refusals[why] = (refusals[why] ?? 0) + 1;
    return why;
  };
  return {
    opened: ({ domains }) => {
      if (domains.length === 0) return refused("noDomain");
      const name = domains.join(" ");
      const open = byDomains.get(name) ?? 0;
      if (open >= ofDomain) return refused("tooManyConnections");
      byDomains.set(name, open + 1);
      connections += 1;
      return undefined;
    },
    ended: ({ domains }) => {
      const name = domains.join(" ");
      const rest = (byDomains.get(name) ?? 1) - 1;
      if (rest === 0) byDomains.delete(name);
      else byDomains.set(name, rest);
      connections -= 1;
    },
    refused,
    limit: (now) => {
      ofDomain = now;
    },
    counts: () => ({ connections, connectionsRefused: { ...refusals } }),
  };
};
