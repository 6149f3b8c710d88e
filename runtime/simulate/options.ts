/** The flags of `vipr simulate overlay`, read once. */
import { parseArgs } from "node:util";
import { nodeLimits } from "../../actors/reload/mod.ts";
import { RING_BITS } from "../../machines/reload/mod.ts";
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

export const SIMULATE_HELP = `vipr simulate overlay: thousands of nodes in one process, on virtual time

usage: vipr simulate overlay [options]

  --nodes N        nodes, 2 to ${NODES_MAX} (default 1000); with --routing-only to ${ROUTING_NODES_MAX}
  --lookups L      look-ups of random numbers by random nodes (default 1000)
  --seed S         the same seed gives the same line but for "seconds" (default 1)
  --json           the last line is the result as one JSON object; the line before it has more

what happens while they look up:
  --kill P         this part of all nodes dies at once, right before the first look-up
  --churn C        each minute this part of all nodes goes (half crash, half leave politely)
                   and as many new ones join; the look-ups take ${CHURN_SPAN_S} s
  --partition      the network is cut in two for two minutes; the look-ups begin when it is whole
  --loss P         this part of all frames is lost on its way, and sent again by TCP

the network and the tables:
  --delay MIN..MAX one way, in milliseconds; each pair draws its own (default 10..100)
  --detect MS      until a neighbour's end is seen, at most, beyond the delay (default 50)
  --neighbours K   successors, and predecessors (default ${nodeLimits.neighbours})
  --fingers F      entries of the Finger Table, 16 to ${RING_BITS} (default 16)
  --full-fingers   ${RING_BITS} entries, each with the second peer that the hourly searches find
  --values V       numbers stored before (default: as many as nodes, at most ${VALUES_DEFAULT_MAX})
  --span S         spread the look-ups over so many virtual seconds (default ${SPAN_S}; with churn ${CHURN_SPAN_S})

the nodes:
  --signatures S   ecdsa: messages and values are signed and verified with P-256, as by real nodes;
                   checksum (default): a checksum stands in for each signature, and all else is the same
  --fragments B    messages over B bytes leave in fragments, ${FRAGMENT_BYTES_MIN} to ${FRAGMENT_BYTES_MAX} (default: in one piece)

other ways:
  --join           build the ring by the real join protocol, at most ${JOINED_NODES_MAX} nodes
  --routing-only   ideal tables and the next hop alone: no machines, no values, no time
  --help           this text

Exit codes: 0 the simulation ran to its end, 2 bad flags, 130 ended by Ctrl-C.
vipr simulate federation --help: companies, calls, faults and adversaries.
docs/simulation.md says what is real here and what is modelled.
`;

export type SimulateRead =
  | { readonly type: "run"; readonly options: SimulateOptions }
  | { readonly type: "help" }
  | { readonly type: "wrong"; readonly why: string };

class Wrong extends Error {}

export const readSimulateOptions = (args: ReadonlyArray<string>): SimulateRead => {
  try {
    const { values: flags, positionals } = parsed(args);
    if (flags.help) return { type: "help" };
    if (positionals.length !== 1 || positionals[0] !== "overlay")
      throw new Wrong(`simulate what? "overlay" or "federation"`);
    return { type: "run", options: optionsOf(flags) };
  } catch (error) {
    return { type: "wrong", why: (error as Error).message };
  }
};

/** Options that say nothing where there is routing alone. */
const OF_MACHINES = [
  ...(["kill", "churn", "loss", "delay", "detect", "partition", "values", "span", "join"] as const),
  ...(["signatures", "fragments"] as const),
];
type Flags = ReturnType<typeof parsed>["values"];

const optionsOf = (flags: Flags): SimulateOptions => {
  const routingOnly = flags["routing-only"];
  const { join, partition, json } = flags;
  const most = routingOnly ? ROUTING_NODES_MAX : join ? JOINED_NODES_MAX : NODES_MAX;
  const nodes = whole("--nodes", flags.nodes, 2, most) ?? 1_000;
  const churn = part("--churn", flags.churn);
  const kill = part("--kill", flags.kill);
  const loss = part("--loss", flags.loss);
  if (kill > 0.95) throw new Wrong(`--kill leaves too few alive: at most 0.95, not "${flags.kill}"`);
  if (loss > 0.9) throw new Wrong(`--loss leaves too little: at most 0.9, not "${flags.loss}"`);
  const fingers = whole("--fingers", flags.fingers, 16, RING_BITS);
  if (flags["full-fingers"] && fingers !== undefined)
    throw new Wrong("--full-fingers and --fingers contradict each other");
  if (routingOnly)
    for (const name of OF_MACHINES)
      if (flags[name]) throw new Wrong(`--${name} needs machines: not with --routing-only`);
  if (partition && (kill > 0 || churn > 0)) throw new Wrong("--partition goes with neither --kill nor --churn");
  return {
    nodes,
    lookups: whole("--lookups", flags.lookups, 1, LOOKUPS_MAX) ?? 1_000,
    kill,
    churn,
    loss,
    ...delayOf(flags.delay),
    detectMs: whole("--detect", flags.detect, 0, 60_000) ?? 50,
    partition,
    values: whole("--values", flags.values, 1, VALUES_MAX) ?? Math.min(nodes, VALUES_DEFAULT_MAX),
    spanS: whole("--span", flags.span, 1, 3_600) ?? (churn > 0 ? CHURN_SPAN_S : SPAN_S),
    neighbours: whole("--neighbours", flags.neighbours, 3, 64) ?? nodeLimits.neighbours,
    fingers: flags["full-fingers"] ? RING_BITS : (fingers ?? nodeLimits.fingers),
    searched: flags["full-fingers"],
    seed: whole("--seed", flags.seed, 0, 2 ** 32 - 1) ?? 1,
    json,
    routingOnly,
    join,
    signatures: signaturesOf(flags.signatures),
    fragmentBytes: whole("--fragments", flags.fragments, FRAGMENT_BYTES_MIN, FRAGMENT_BYTES_MAX) ?? 0,
  };
};

const whole = (flag: string, text: string | undefined, min: number, max: number): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new Wrong(`${flag} wants a whole number from ${min} to ${max}, not "${text}"`);
  return value;
};
const part = (flag: string, text: string | undefined): number => {
  if (text === undefined) return 0;
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value > 1) throw new Wrong(`${flag} wants a part from 0 to 1, not "${text}"`);
  return value;
};
const signaturesOf = (text = "checksum"): Signatures => {
  if (text !== "ecdsa" && text !== "checksum") throw new Wrong(`--signatures wants ecdsa or checksum, not "${text}"`);
  return text;
};
const delayOf = (text: string | undefined): Pick<SimulateOptions, "delayMinMs" | "delayMaxMs"> => {
  const found = /^(\d+)(?:\.\.(\d+))?$/.exec(text ?? "10..100");
  const min = Number(found?.[1]);
  const max = Number(found?.[2] ?? found?.[1]);
  if (found === null || min < 1 || max < min || max > DELAY_MS_MAX)
    throw new Wrong(`--delay wants MIN..MAX milliseconds, 1 to ${DELAY_MS_MAX}, not "${text}"`);
  return { delayMinMs: min, delayMaxMs: max };
};

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;
const parsed = (args: ReadonlyArray<string>) =>
  parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: true,
    options: {
      nodes: text,
      lookups: text,
      seed: text,
      kill: text,
      churn: text,
      loss: text,
      delay: text,
      detect: text,
      neighbours: text,
      fingers: text,
      values: text,
      span: text,
      signatures: text,
      fragments: text,
      partition: flag,
      "full-fingers": flag,
      "routing-only": flag,
      join: flag,
      json: flag,
      help: { ...flag, short: "h" },
    },
  });
