/** The demonstration's figures: the summary that scripts read, the table that people read, and whether all held. */

import type { E164 } from "../../codecs/shared/mod.ts";
import { parseUri } from "../../codecs/sip/mod.ts";
import type { LearnedRoute } from "../../machines/agent/mod.ts";
import type { RunningCompany } from "./company.ts";
import { INTRUSIONS, type Intrusions, sumOf, type Tally } from "./tally.ts";

export interface Summary {
  readonly domains: number;
  readonly nodes: number;
  readonly published: number;
  readonly vcrs: number;
  readonly lookups: number;
  readonly claims: number;
  readonly validated: number;
  readonly refused: number;
  readonly routes: number;
  readonly falseRoutes: number;
  readonly sipCalls: number;
  readonly pstnFallbacks: number;
  readonly failedCalls: number;
  readonly intrusions: Readonly<Record<string, number>>;
  readonly intrusionsAdmitted: number;
  readonly seconds: number;
}

export interface DemoReport {
  readonly summary: Summary;
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly intrusions: Intrusions;
  readonly running: ReadonlyArray<RunningCompany>;
}

interface Facts {
  readonly domains: number;
  readonly nodes: number;
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly routes: ReadonlyArray<{ readonly domain: string; readonly routes: ReadonlyArray<LearnedRoute> }>;
  readonly ownerOf: (number: E164) => string | undefined;
  readonly intrusions: Intrusions;
  readonly seconds: number;
}

export const summaryOf = ({ domains, nodes, tallies, routes, ownerOf, intrusions, seconds }: Facts): Summary => {
  const { published, vcrs, lookups, claims, validated, refused, sipCalls, pstnFallbacks, failedCalls } = sumOf([
    ...tallies.values(),
  ]);
  const learned = routes.flatMap((of) => of.routes);
  return {
    domains,
    nodes,
    published,
    vcrs,
    lookups,
    claims,
    validated,
    refused,
    routes: learned.length,
    falseRoutes: learned.filter((route) => !leadsHome(route, ownerOf)).length,
    sipCalls,
    pstnFallbacks,
    failedCalls,
    intrusions: intrusions.refused,
    intrusionsAdmitted: intrusions.admitted,
    seconds: Math.round(seconds * 10) / 10,
  };
};

/** Every URI of the route leads to the company whose number it is. */
const leadsHome = ({ number, uris }: LearnedRoute, ownerOf: Facts["ownerOf"]): boolean =>
  uris.every((text) => {
    const uri = parseUri(text);
    return uri.ok && uri.value.type === "sip" && uri.value.host === ownerOf(number);
  });

/** What must hold whatever the call records are; undefined when all of it does. */
export const brokenPromise = ({ falseRoutes, failedCalls, intrusionsAdmitted }: Summary): string | undefined => {
  if (falseRoutes > 0) return `${falseRoutes} routes lead to somebody else than the number's owner`;
  if (intrusionsAdmitted > 0) return `${intrusionsAdmitted} intrusions got through`;
  if (failedCalls > 0) return `${failedCalls} calls failed`;
  return undefined;
};

const ROWS: ReadonlyArray<readonly [title: string, key: keyof Tally | "routes"]> = [
  ["numbers published", "published"],
  ["call records (VCRs)", "vcrs"],
  ["look-ups", "lookups"],
  ["claims found", "claims"],
  ["validated", "validated"],
  ["refused", "refused"],
  ["routes learned", "routes"],
  ["calls over SIP", "sipCalls"],
  ["calls over the PSTN", "pstnFallbacks"],
  ["calls failed", "failedCalls"],
];

export const tableOf = ({ summary, tallies, intrusions, running }: DemoReport): string => {
  const total = sumOf([...tallies.values()]);
  const routes = new Map(running.map(({ domain, routes }) => [domain, routes.all().length]));
  const rows = ROWS.map(([title, key]) => [
    title,
    ...[...tallies].map(([domain, tally]) => String(key === "routes" ? (routes.get(domain) ?? 0) : tally[key])),
    String(key === "routes" ? summary.routes : total[key]),
  ]);
  const aimed = [...tallies.keys()].map((domain) => intrusions.byDomain.get(domain) ?? 0);
  rows.push(["intrusions refused", ...aimed.map(String), String(aimed.reduce((a, b) => a + b, 0))]);
  const refusals = INTRUSIONS.map((kind) => [
    kind,
    String(intrusions.refused[kind]),
    [...intrusions.reasons[kind]].sort().join(", "),
  ]);
  return [
    "",
    layOut([["", ...tallies.keys(), "all"], ...rows]),
    "",
    layOut([["intrusion", "refused", "why"], ...refusals]),
    "",
    `${summary.nodes} overlay nodes, ${summary.domains} domains, ${summary.seconds} s. ` +
      `False routes: ${summary.falseRoutes}. Intrusions admitted: ${summary.intrusionsAdmitted}.`,
  ].join("\n");
};

/** Words to the left, numbers to the right; a rule under the heading. */
const layOut = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) =>
        /^[0-9]+$/.test(cell) || (i > 0 && row === rows[0] && i < row.length)
          ? cell.padStart(widths[i]!)
          : cell.padEnd(widths[i]!),
      )
      .join("  ")
      .trimEnd(),
  );
  return [lines[0], widths.map((width) => "-".repeat(width)).join("  "), ...lines.slice(1)].join("\n");
};
