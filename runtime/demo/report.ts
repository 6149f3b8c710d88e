/** The demonstration's figures: the summary that scripts read, the table that people read, and whether all held. */

import type { E164 } from "../../codecs/shared/mod.ts";
import { parseUri } from "../../codecs/sip/mod.ts";
import type { LearnedRoute } from "../../machines/agent/mod.ts";
import type { RunningCompany } from "./company.ts";
import { INTRUSIONS, type Intrusion, type Intrusions, sumOf, type Tally } from "./tally.ts";

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
  /** By reason: their sum is `pstnFallbacks`. */
  readonly pstnReasons: { readonly foreign: number; readonly noRoute: number; readonly failedOver: number };
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
  const total = sumOf([...tallies.values()]);
  const { published, vcrs, lookups, claims, validated, refused, sipCalls, pstnFallbacks, failedCalls } = total;
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
    pstnReasons: { foreign: total.pstnForeign, noRoute: total.pstnNoRoute, failedOver: total.pstnFailedOver },
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

const ROWS: ReadonlyArray<readonly [title: string, key: keyof Tally | "routes", meaning: string]> = [
  ["numbers published", "published", "the overlay stores that this company claims them"],
  ["call records (VCRs)", "vcrs", "calls with their times, of either end, given to the company's ViPR server"],
  ["look-ups", "lookups", "the overlay was asked who claims the number of a recorded call"],
  ["claims found", "claims", "answers to that: the owner's, and the thief's"],
  ["validated", "validated", "claimants that proved that they had received the call"],
  ["refused", "refused", "claimants that could not: the thief, or an exchange whose clock was too wrong"],
  ["routes learned", "routes", "numbers that are called over the Internet from now on"],
  ["calls over SIP", "sipCalls", "the same calls placed again, over the Internet with a ticket"],
  ["calls over the PSTN", "pstnFallbacks", "those that still took the telephone network, by reason:"],
  ["- outside ViPR", "pstnForeign", "the number is of no company here"],
  ["- no route", "pstnNoRoute", "not proved, or proofs that are worth too few bits"],
  [
    "- failed over",
    "pstnFailedOver",
    "there was a route, and nothing came back in time: a border element that is gone",
  ],
  ["calls failed", "failedCalls", "neither way led to the telephone: there must be none"],
];
const REFUSED = ["intrusions refused", "attempts on the company, as below"] as const;
const MEANINGS: Readonly<Record<Intrusion, string>> = {
  stolenNumber: "the thief claims a number of theirs, and is asked to prove the call",
  overwrittenClaim: "the thief writes over the owner's claim in the overlay",
  guessedCall: "the thief makes up a call, and guesses at its times",
  noTicket: "a call from the Internet without a ticket",
  forgedTicket: "... with a ticket of the spammer's own making",
  foreignTicket: "... with a ticket that was granted to somebody else",
  wrongNumber: "... with a good ticket, for another number",
  garbage: "bytes of no protocol, to every port",
};

export const tableOf = ({ summary, tallies, intrusions, running }: DemoReport): string => {
  const total = sumOf([...tallies.values()]);
  const routes = new Map(running.map(({ domain, routes }) => [domain, routes.all().length]));
  const rows = ROWS.map(([title, key]) => [
    title,
    ...[...tallies].map(([domain, tally]) => String(key === "routes" ? (routes.get(domain) ?? 0) : tally[key])),
    String(key === "routes" ? summary.routes : total[key]),
  ]);
  const aimed = [...tallies.keys()].map((domain) => intrusions.byDomain.get(domain) ?? 0);
  rows.push([REFUSED[0], ...aimed.map(String), String(aimed.reduce((a, b) => a + b, 0))]);
  const refusals = INTRUSIONS.map((kind) => [
    kind,
    String(intrusions.refused[kind]),
    [...intrusions.reasons[kind]].sort().join(", "),
    MEANINGS[kind],
  ]);
  return [
    "",
    layOut([["", ...tallies.keys(), "all"], ...rows]),
    "",
    layOut([["intrusion", "refused", "why", "what was tried"], ...refusals]),
    "",
    "What the rows of the first table say:",
    ...[...ROWS.map(([title, , meaning]) => [title, meaning] as const), REFUSED].map(
      ([title, meaning]) => `  ${title.padEnd(TITLE_CHARS)}  ${meaning}`,
    ),
    "",
    `${summary.nodes} overlay nodes, ${summary.domains} domains, ${summary.seconds} s. ` +
      `False routes: ${summary.falseRoutes}. Intrusions admitted: ${summary.intrusionsAdmitted}.`,
  ].join("\n");
};
const TITLE_CHARS = Math.max(...ROWS.map(([title]) => title.length));

const isCount = (cell = ""): boolean => /^[0-9]+$/.test(cell);

/** Words to the left, numbers to the right; a rule under the heading. */
const layOut = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) =>
        isCount(cell) || (row === rows[0] && isCount(rows[1]?.[i]))
          ? cell.padStart(widths[i]!)
          : cell.padEnd(widths[i]!),
      )
      .join("  ")
      .trimEnd(),
  );
  return [lines[0], widths.map((width) => "-".repeat(width)).join("  "), ...lines.slice(1)].join("\n");
};
