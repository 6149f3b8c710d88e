/** A ViPR server as metrics: its counters, and its events counted. No number and no domain is a label. */
import type { ViprCounters, ViprEvent } from "../../actors/vipr/mod.ts";
import { counts } from "./counts.ts";
import { each, family, type MetricName, single } from "./table.ts";
import type { Family, Sample } from "./text.ts";

/** Domains that are told apart. */
const DOMAINS_MAX = 10_000;

export interface EventCounts {
  /** `tenant`: the company that it is about; empty is the server's own. */
  readonly record: (event: ViprEvent, tenant?: string) => void;
  readonly families: () => ReadonlyArray<Family>;
}

/** Of each company by itself; what is the server's own has no label `tenant`. */
export const countEvents = (): EventCounts => {
  const tallies = new Map<string, Tally>([["", openTally()]]);
  return {
    record: (event, tenant = "") => {
      const tally = tallies.get(tenant) ?? openTally();
      tallies.set(tenant, tally);
      tally.record(event);
    },
    families: () =>
      [...tallies.values()][0]!.samples().map(([name], i) =>
        family(
          name,
          [...tallies].flatMap(([tenant, tally]) =>
            tally
              .samples()
              [i]![1].map((sample) => (tenant === "" ? sample : { ...sample, labels: { ...sample.labels, tenant } })),
          ),
        ),
      ),
  };
};

interface Tally {
  readonly record: (event: ViprEvent) => void;
  /** The same names in the same order, always. */
  readonly samples: () => ReadonlyArray<readonly [MetricName, ReadonlyArray<Sample>]>;
}

const openTally = (): Tally => {
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
    samples: () => [
      ["vipr_vcrs_total", records.samples()],
      ["vipr_calls_not_validated_total", aside.samples()],
      ["vipr_look_ups_total", lookUps.samples()],
      ["vipr_attempts_total", attempts.samples()],
      ["vipr_proofs_total", [{ value: proofs }]],
      ["vipr_routes_learned_total", [{ value: learned }]],
      ["vipr_routes_unwelcome_total", [{ value: unwelcome }]],
      ["vipr_route_domains", [{ value: domains.size }]],
      ["vipr_tickets_granted_total", [{ value: granted }]],
      ["vipr_tickets_declined_total", declined.samples()],
      ["vipr_numbers_published_total", published.samples()],
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
