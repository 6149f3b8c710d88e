/** The flags of `vipr simulate overlay`, read once. */
import { nodeLimits } from "../../actors/reload/mod.ts";
import { RING_BITS } from "../../machines/reload/mod.ts";
import { oneOf, readWords, type ValuesOf, Wrong, wholeOf } from "../cli/options.ts";
import { simulateTable } from "../command/tables/simulate.ts";
import type { Signatures } from "./keys.ts";
import { VALUES_MAX } from "./values.ts";

export interface SimulateOptions {
  readonly nodes: number;
  readonly lookups: number;
  /** The part of all nodes that dies at once, right before the look-ups. */
  readonly kill: number;
  /** The part of all nodes that goes, and that comes, each minute. */
  readonly churn: number;
  /** The part of all frames that is lost. */
  readonly loss: number;
  /** One way. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Until a closed link is seen, at most, beyond its delay. */
  readonly detectMs: number;
  readonly partition: boolean;
  readonly values: number;
  /** Over how many seconds of virtual time the look-ups are spread. */
  readonly spanS: number;
  readonly neighbours: number;
  readonly fingers: number;
  /** The hourly searches for second fingers have been made. */
  readonly searched: boolean;
  readonly seed: number;
  readonly json: boolean;
  readonly routingOnly: boolean;
  readonly join: boolean;
  readonly signatures: Signatures;
  /** Messages longer than this leave in fragments; 0 for never. */
  readonly fragmentBytes: number;
}

/** With machines: some 100 kB a node. */
const NODES_MAX = 50_000;
const ROUTING_NODES_MAX = 1_000_000;
const LOOKUPS_MAX = 1_000_000;
/** Joined one after the other: beyond it the ring is better given than built. */
const JOINED_NODES_MAX = 2_000;
const DELAY_MS_MAX = 10_000;
const FRAGMENT_BYTES_MIN = 400;
const FRAGMENT_BYTES_MAX = 65_535;
const SPAN_S = 10;
const CHURN_SPAN_S = 60;
const VALUES_DEFAULT_MAX = 10_000;

type Flags = ValuesOf<typeof simulateTable.options>;

/** Throws Wrong. */
export const readSimulateOptions = (args: ReadonlyArray<string>): SimulateOptions =>
  simulateOptions(readWords(simulateTable, args).values);

/** Options that say nothing where there is routing alone. */
const OF_MACHINES = [
  ...(["kill", "churn", "loss", "delay", "detect", "partition", "values", "span", "join"] as const),
  ...(["signatures", "fragments"] as const),
];

export const simulateOptions = (flags: Flags): SimulateOptions => {
  const routingOnly = flags["routing-only"];
  const { join, partition, json } = flags;
  const most = routingOnly ? ROUTING_NODES_MAX : join ? JOINED_NODES_MAX : NODES_MAX;
  const nodes = whole("nodes", flags.nodes, 2, most) ?? 1_000;
  const churn = part("--churn", flags.churn);
  const kill = part("--kill", flags.kill);
  const loss = part("--loss", flags.loss);
  if (kill > 0.95) throw new Wrong(`--kill leaves too few alive: at most 0.95, not "${flags.kill}"`);
  if (loss > 0.9) throw new Wrong(`--loss leaves too little: at most 0.9, not "${flags.loss}"`);
  const fingers = whole("fingers", flags.fingers, 16, RING_BITS);
  if (flags["full-fingers"] && fingers !== undefined)
    throw new Wrong("--full-fingers and --fingers contradict each other");
  if (routingOnly)
    for (const name of OF_MACHINES)
      if (flags[name]) throw new Wrong(`--${name} needs machines: not with --routing-only`);
  if (partition && (kill > 0 || churn > 0)) throw new Wrong("--partition goes with neither --kill nor --churn");
  return {
    nodes,
    lookups: whole("lookups", flags.lookups, 1, LOOKUPS_MAX) ?? 1_000,
    kill,
    churn,
    loss,
    ...delayOf(flags.delay),
    detectMs: whole("detect", flags.detect, 0, 60_000) ?? 50,
    partition,
    values: whole("values", flags.values, 1, VALUES_MAX) ?? Math.min(nodes, VALUES_DEFAULT_MAX),
    spanS: whole("span", flags.span, 1, 3_600) ?? (churn > 0 ? CHURN_SPAN_S : SPAN_S),
    neighbours: whole("neighbours", flags.neighbours, 3, 64) ?? nodeLimits.neighbours,
    fingers: flags["full-fingers"] ? RING_BITS : (fingers ?? nodeLimits.fingers),
    searched: flags["full-fingers"],
    seed: whole("seed", flags.seed, 0, 2 ** 32 - 1) ?? 1,
    json,
    routingOnly,
    join,
    signatures: oneOf<Signatures>(flags.signatures ?? "checksum", "signatures", ["ecdsa", "checksum"]),
    fragmentBytes: whole("fragments", flags.fragments, FRAGMENT_BYTES_MIN, FRAGMENT_BYTES_MAX) ?? 0,
  };
};

const whole = (option: string, text: string | undefined, min: number, max: number): number | undefined =>
  text === undefined ? undefined : wholeOf(text, option, min, max);
const part = (flag: string, text: string | undefined): number => {
  if (text === undefined) return 0;
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value > 1) throw new Wrong(`${flag} wants a part from 0 to 1, not "${text}"`);
  return value;
};
const delayOf = (text: string | undefined): Pick<SimulateOptions, "delayMinMs" | "delayMaxMs"> => {
  const found = /^(\d+)(?:\.\.(\d+))?$/.exec(text ?? "10..100");
  const min = Number(found?.[1]);
  const max = Number(found?.[2] ?? found?.[1]);
  if (found === null || min < 1 || max < min || max > DELAY_MS_MAX)
    throw new Wrong(`--delay wants MIN..MAX milliseconds, 1 to ${DELAY_MS_MAX}, not "${text}"`);
  return { delayMinMs: min, delayMaxMs: max };
};
