/**
 * Explores small worlds to their end: rings of CHORD-RELOAD, and the gate of PVP. docs/protocol/ring.md. DECISIONS.md D-297.
 *
 *   node properties/explore/run.ts [--ring N] [--gate N] [--nightly] [--states N] [--json]
 *
 * A world that is violated is shown with the shortest events that lead there. Exit code 0: all held; 1: one is violated, or has
 * more states than it may have; 2: wrong words.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { say } from "../../runtime/cli/output.ts";
import { progressLine } from "../../runtime/cli/progress.ts";
import { type CounterExample, type Explored, explore } from "../kit/explorer.ts";
import { type Explorable, gates, rings } from "./scopes.ts";

const HELP = `usage: npm run explore -- [--ring N] [--gate N] [--nightly] [--states N] [--json]

  --ring N     rings of up to N nodes, 2 to 5
  --gate N     gates with N claimants, 1 to 3
               without either: rings of up to 4 nodes, and gates with 3 claimants
  --nightly    rings of up to 5 nodes
  --states N   at most so many states a world; one that has more is unfinished (default 20000000)
  --json       the last line is one of JSON: invariant, states, steps, depth, seconds,
               cpuSeconds, worlds
`;
const NODES = [2, 5] as const;
const CLAIMANTS = [1, 3] as const;
const STATES_MAX = 20_000_000;

interface Found {
  readonly world: string;
  readonly invariant: Explored<unknown>["invariant"];
  readonly states: number;
  readonly steps: number;
  readonly depth: number;
  readonly seconds: number;
  readonly fault?: string;
  readonly trace?: ReadonlyArray<string>;
}

const wrong = (why: string): never => {
  process.stderr.write(`explore: ${why}\n${HELP}`);
  return process.exit(2);
};
const numberOf = (flag: string, text: string, [min, max]: readonly [number, number]): number => {
  const number = Number(text);
  return Number.isInteger(number) && number >= min && number <= max
    ? number
    : wrong(`--${flag} ${text}: ${min} to ${max}`);
};
const flagsOf = () => {
  try {
    return parseArgs({
      options: {
        ring: { type: "string" },
        gate: { type: "string" },
        nightly: { type: "boolean", default: false },
        states: { type: "string", default: String(STATES_MAX) },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return wrong((error as Error).message);
  }
};

const flags = flagsOf();
if (flags.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const isBoth = flags.ring === undefined && flags.gate === undefined;
const nodes =
  flags.ring === undefined ? (isBoth ? (flags.nightly ? NODES[1] : 4) : 0) : numberOf("ring", flags.ring, NODES);
const claimants = flags.gate === undefined ? (isBoth ? CLAIMANTS[1] : 0) : numberOf("gate", flags.gate, CLAIMANTS);
const statesMax = numberOf("states", flags.states, [1, STATES_MAX]);

/** Each event, and the state that it leads to. */
const linesOf = <S>({ text }: Explorable<S>, { start, steps }: CounterExample<S>): ReadonlyArray<string> => [
  `  at the start: ${text(start)}`,
  ...steps.map(({ event, state }, i) => `  ${String(i + 1).padStart(2)}. ${event()}\n      ${text(state)}`),
];
const tenths = (ms: number): number => Math.round(ms / 100) / 10;

const look = <S>(one: Explorable<S>): Found => {
  const begunMs = performance.now();
  const show = progressLine();
  const { counterExample, ...found } = explore(one.world, {
    statesMax,
    progressEvery: 1_000,
    progress: ({ states, depth }) =>
      show(() => `${one.name}: ${states} states, depth ${depth}, ${tenths(performance.now() - begunMs)} s`),
  });
  const line = { world: one.name, ...found, seconds: tenths(performance.now() - begunMs) };
  say(`${found.invariant.padEnd(10)} ${one.name}: ${found.states} states, depth ${found.depth}, ${line.seconds} s`);
  if (counterExample === undefined) return line;
  const trace = linesOf(one, counterExample);
  say([...trace, `  ${counterExample.fault}`].join("\n"));
  return { ...line, fault: counterExample.fault, trace: counterExample.steps.map(({ event }) => event()) };
};

const found = [
  ...rings(nodes).map(look),
  ...gates(claimants)
    .slice(0, claimants === 0 ? 0 : undefined)
    .map(look),
];
const invariant =
  (["violated", "unfinished"] as const).find((one) => found.some((of) => of.invariant === one)) ?? "held";
const sum = (of: "states" | "steps" | "seconds"): number => found.reduce((all, one) => all + one[of], 0);
const depth = Math.max(...found.map((one) => one.depth));
const all = {
  invariant,
  states: sum("states"),
  steps: sum("steps"),
  depth,
  seconds: Math.round(sum("seconds") * 10) / 10,
  cpuSeconds: tenths(process.cpuUsage().user / 1_000),
};
say(
  flags.json
    ? JSON.stringify({ ...all, worlds: found })
    : `${invariant}: ${all.states} states, depth ${depth}, ${all.seconds} s`,
);
process.exitCode = invariant === "held" ? 0 : 1;
