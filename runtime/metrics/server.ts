/** A ViPR server as metrics: its counters, and its events counted. No number and no domain is a label. */
import type { ViprCounters, ViprEvent } from "../../actors/vipr/mod.ts";
import { counts } from "./counts.ts";
import { each, family, single } from "./table.ts";
import type { Family } from "./text.ts";

/** Domains that are told apart. */
const DOMAINS_MAX = 10_000;

export interface EventCounts {
  readonly record: (event: ViprEvent) => void;
  readonly families: () => ReadonlyArray<Family>;
}

export const countEvents = (): EventCounts => {
  const records = counts("direction");
  const aside = counts("reason");
  const lookUps = counts("result");
  const attempts = counts("method", "verdict");
  const declined = counts("code");
  const published = counts("result");
  const domains = new Set<string>();
  let [proofs, learned, unwelcome, granted] = [0, 0, 0, 0];
  return {
    record: (event) => {
      switch (event.type) {
        case "vcr":
          return records.add(event.direction);
        case "dropped":
        case "repeated":
        case "ambiguous":
        case "crowded":
          return aside.add(event.type);
        case "lookedUp":
          return lookUps.add(event.claims > 0 ? "claimed" : "unclaimed");
        case "lookUpFailed":
          return lookUps.add("failed");
        case "attempted":
          return attempts.add(String(event.attempt.method), event.attempt.verdict);
        case "proved":
          proofs += 1;
          return;
        case "learned":
          learned += 1;
          if (domains.size < DOMAINS_MAX) domains.add(event.domain);
          return;
        case "unwelcome":
          unwelcome += 1;
          return;
        case "granted":
          granted += 1;
          return;
        case "declined":
          return declined.add(String(event.code));
        case "published":
          return published.add("stored");
        case "publishFailed":
          return published.add("failed");
        default:
          return;
      }
    },
    families: () => [
      family("vipr_vcrs_total", records.samples()),
      family("vipr_calls_not_validated_total", aside.samples()),
      family("vipr_look_ups_total", lookUps.samples()),
      family("vipr_attempts_total", attempts.samples()),
      single("vipr_proofs_total", proofs),
      single("vipr_routes_learned_total", learned),
      single("vipr_routes_unwelcome_total", unwelcome),
      single("vipr_route_domains", domains.size),
      single("vipr_tickets_granted_total", granted),
      family("vipr_tickets_declined_total", declined.samples()),
      family("vipr_numbers_published_total", published.samples()),
    ],
  };
};

/** Numbers of now, which a counter of VAP's is not. */
const GAUGES = ["connections", "sessions", "vservices"] as const;

export const serverFamilies = ({ vap, pvp, terminating, pending, underWay }: ViprCounters): ReadonlyArray<Family> => {
  const { connections, sessions, vservices } = vap;
  const counted = Object.entries(vap).filter(([name]) => !(GAUGES as ReadonlyArray<string>).includes(name));
  return [
    single("vipr_vap_connections", connections),
    single("vipr_vap_sessions", sessions),
    single("vipr_vap_vservices", vservices),
    each("vipr_vap_total", "what", numbersIn(Object.fromEntries(counted))),
    single("vipr_vcrs_terminating", terminating),
    single("vipr_validations_pending", pending),
    single("vipr_validations_under_way", underWay),
    each("vipr_pvp_total", "what", { ...pvp }),
  ];
};

const numbersIn = (of: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(of).filter((pair): pair is [string, number] => typeof pair[1] === "number"));
