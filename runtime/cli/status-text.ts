/** What `vipr status` prints: text for one screen, and the same as JSON. */

import type { Paint } from "../command/style.ts";
import { sampleOf, sumOf } from "../metrics/read.ts";
import type { ProgramState } from "./program-state.ts";

export const STATUS_VERSION = 1;
const DAY_S = 86_400;

const rowsOf = ({
  program,
  metrics,
}: ProgramState): ReadonlyArray<readonly [string, Readonly<Record<string, number>>]> => {
  const numbers = (of: Readonly<Record<string, number | undefined>>) =>
    Object.fromEntries(Object.entries(of).filter((pair): pair is [string, number] => pair[1] !== undefined));
  const one = (name: string, labels = {}) => sampleOf(metrics, name, labels);
  const calls = ["calls", numbers({ underWay: one("vipr_calls_under_way"), ...ofCalls(metrics, program) })] as const;
  if (program === "border") return [calls];
  if (program === "agent")
    return [
      calls,
      ["routes", numbers({ known: one("vipr_agent_routes"), recordsWaiting: one("vipr_agent_records_waiting") })],
    ];
  return [
    [
      "overlay",
      numbers({
        nodes: one("vipr_overlay_nodes"),
        links: one("vipr_overlay_links"),
        configuration: one("vipr_overlay_configuration_sequence"),
        quotaUsed: one("vipr_overlay_quota_used"),
        quota: one("vipr_overlay_quota"),
        secondsOff: one("vipr_clock_offset_seconds"),
      }),
    ],
    ["cluster", { ...numbers({ members: one("vipr_cluster_members") }), ...partsOf(metrics) }],
    ["agents", numbers({ registered: one("vipr_vap_sessions"), vservices: one("vipr_vap_vservices") })],
    [
      "validations",
      numbers({
        pending: one("vipr_validations_pending"),
        underWay: one("vipr_validations_under_way"),
        attempts: sumOf(metrics, "vipr_attempts_total"),
        proofs: one("vipr_proofs_total"),
        routesLearned: one("vipr_routes_learned_total"),
        ticketsGranted: one("vipr_tickets_granted_total"),
      }),
    ],
  ];
};

/** What each server of the cluster holds. */
const partsOf = (metrics: ProgramState["metrics"]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    (metrics.get("vipr_cluster_parts") ?? []).map(({ labels, value }) => [`partsOf${labels.member}`, value]),
  );

const ofCalls = (metrics: ProgramState["metrics"], program: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    (metrics.get("vipr_calls_total") ?? [])
      .filter(({ labels, value }) => labels.program === program && value > 0)
      .map(({ labels, value }) => [labels.what ?? "", value]),
  );

const daysLeft = ({ metrics }: ProgramState): Readonly<Record<string, number>> =>
  Object.fromEntries(
    (metrics.get("vipr_certificate_left_seconds") ?? []).map(({ labels, value }) => [
      labels.certificate ?? "",
      Math.floor(value / DAY_S),
    ]),
  );

const troublesIn = ({ metrics }: ProgramState): Readonly<Record<string, number>> =>
  Object.fromEntries(
    (metrics.get("vipr_log_events_total") ?? []).map(({ labels, value }) => [`${labels.level} ${labels.event}`, value]),
  );

export const statusJson = (states: ReadonlyArray<ProgramState>) => ({
  version: STATUS_VERSION,
  programs: states.map((state) => ({
    program: state.program,
    data: state.data,
    admin: state.at === undefined ? null : `${state.at.host}:${state.at.port}`,
    answers: state.ready !== undefined,
    ready: state.ready === true,
    reasons: state.reasons,
    upSeconds: Math.round(sampleOf(state.metrics, "vipr_up_seconds") ?? 0),
    residentBytes: sampleOf(state.metrics, "vipr_resident_bytes") ?? null,
    ...(state.ready === undefined ? {} : Object.fromEntries(rowsOf(state))),
    daysLeft: daysLeft(state),
    troubles: troublesIn(state),
  })),
});

export const statusText = (states: ReadonlyArray<ProgramState>): string => states.map(programText).join("\n");

/** Of each program's first line whether it is ready. */
export const statusPaint: Paint = (line, style) =>
  line
    .replace(/^(\w+ +)(ready)(?=,)/, (_, name: string, word: string) => `${name}${style("green", word)}`)
    .replace(
      /^(\w+ +)(NOT READY|does not (?:run|answer))/,
      (_, name: string, words: string) => `${name}${style("red", words)}`,
    );

const programText = (state: ProgramState): string => {
  const { program, at, ready, reasons, metrics } = state;
  const name = program.padEnd(8);
  if (at === undefined) return `${name} does not run here (${state.data})`;
  const where = `${at.host}:${at.port}`;
  if (ready === undefined) return `${name} does not answer at ${where}`;
  const up = upText(sampleOf(metrics, "vipr_up_seconds") ?? 0);
  const memory = Math.round((sampleOf(metrics, "vipr_resident_bytes") ?? 0) / 1e6);
  const head = `${name} ${ready ? "ready" : `NOT READY: ${reasons.join(", ")}`}, up ${up}, ${memory} MB, admin ${where}`;
  const rows = [...rowsOf(state), ["days left", daysLeft(state)] as const, ["log", troublesIn(state)] as const];
  const lines = rows
    .filter(([, of]) => Object.keys(of).length > 0)
    .map(([title, of]) => `  ${title.padEnd(12)}${pairsText(of)}`);
  return [head, ...lines].join("\n");
};

const pairsText = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .map(([key, value]) => `${spaced(key)} ${value}`)
    .join(", ");

/** `recordsWaiting` is `records waiting`; the name of an event stays as it is. */
const spaced = (key: string): string =>
  key.includes(".") ? key : key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const upText = (seconds: number): string => {
  const days = Math.floor(seconds / DAY_S);
  const hours = Math.floor((seconds % DAY_S) / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min`;
};
