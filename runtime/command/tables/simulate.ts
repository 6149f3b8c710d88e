/** The table of `vipr simulate`. */
import { JSON_OPTION } from "../shared.ts";
import { table } from "../spec.ts";

export const simulateTable = table({
  name: "simulate",
  summary: "an overlay of thousands of nodes, or whole federations, in one process, on virtual time",
  usage: ["overlay [options]", "federation [options]"],
  options: {
    nodes: {
      type: "string",
      value: "N",
      text: "nodes, 2 to 50000 (default 1000); with --routing-only to 1000000",
    },
    lookups: { type: "string", value: "L", text: "look-ups of random numbers by random nodes (default 1000)" },
    seed: {
      type: "string",
      value: "S",
      text: 'what is drawn; the same seed gives the same line but for "seconds" (default 1)',
    },
    json: {
      ...JSON_OPTION.json,
      text: "the last line is the result as one JSON object; the line before it has more",
    },
    kill: {
      type: "string",
      value: "P",
      text: "this part of all nodes dies at once, right before the first look-up",
    },
    churn: {
      type: "string",
      value: "C",
      text: "each minute this part of all nodes goes (half crash, half leave politely) and as many new ones join; the look-ups take 60 s",
    },
    partition: {
      type: "boolean",
      default: false,
      text: "the network is cut in two for two minutes; the look-ups begin when it is whole",
    },
    loss: { type: "string", value: "P", text: "this part of all frames is lost on its way, and sent again by TCP" },
    delay: {
      type: "string",
      value: "MIN..MAX",
      text: "one way, in milliseconds; each pair draws its own (default 10..100)",
    },
    detect: {
      type: "string",
      value: "MS",
      text: "until a neighbour's end is seen, at most, beyond the delay (default 50)",
    },
    neighbours: { type: "string", value: "K", text: "successors, and predecessors (default 20)" },
    fingers: { type: "string", value: "F", text: "entries of the Finger Table, 16 to 128 (default 16)" },
    "full-fingers": {
      type: "boolean",
      default: false,
      text: "128 entries, each with the second peer that the hourly searches find",
    },
    values: {
      type: "string",
      value: "V",
      text: "numbers stored before (default: as many as nodes, at most 10000)",
    },
    span: {
      type: "string",
      value: "S",
      text: "spread the look-ups over so many virtual seconds (default 10; with churn 60)",
    },
    signatures: {
      type: "string",
      value: "S",
      among: ["checksum", "ecdsa"],
      text: "ecdsa: messages and values are signed and verified with P-256, as by real nodes; checksum (default): a checksum stands in for each signature, and all else is the same",
    },
    fragments: {
      type: "string",
      value: "BYTES",
      text: "longer messages leave in fragments, 400 to 65535 (default: in one piece)",
    },
    join: {
      type: "boolean",
      default: false,
      text: "build the ring by the real join protocol, at most 2000 nodes",
    },
    "routing-only": {
      type: "boolean",
      default: false,
      text: "ideal tables and the next hop alone: no machines, no values, no time",
    },
    minutes: { type: "string", value: "M", text: "simulated, before all is left to come to rest (default 10)" },
    seeds: { type: "string", value: "K", text: "so many federations, of seeds S, S + 1 ... (default 1)" },
    nightly: { type: "boolean", default: false, text: "one federation after another until Ctrl-C" },
    first: { type: "boolean", default: false, text: "of several: ends with the first that is violated" },
    trace: {
      type: "string",
      value: "FILE",
      text: "the file for the run, or for its violation shrunk to the least that still fails (default: vipr-federation-SEED.trace, written on a violation alone)",
    },
    "no-shrink": { type: "boolean", default: false, text: "keep a violation as it was found" },
  },
  words: [1, 1],
  orders: {
    overlay: {
      summary: "thousands of nodes in one process: joins, look-ups, churn, partitions",
      usage: ["[options]"],
      options: [
        "nodes",
        "lookups",
        "seed",
        "json",
        "kill",
        "churn",
        "partition",
        "loss",
        "delay",
        "detect",
        "neighbours",
        "fingers",
        "full-fingers",
        "values",
        "span",
        "signatures",
        "fragments",
        "join",
        "routing-only",
      ],
      examples: [
        { text: "a fifth of all nodes dies", line: "vipr simulate overlay --nodes 2000 --kill 0.2" },
        { text: "a million nodes' routes", line: "vipr simulate overlay --nodes 1000000 --routing-only --json" },
      ],
    },
    federation: {
      summary: "companies, an overlay, calls, faults and adversaries, all from one seed",
      usage: ["[options]"],
      about: `Checkers outside judge: route, ticket, signature, acknowledged, ring, disk, call, leak, defect (docs/simulation.md says what each asks for).
With --json a line for each federation, and as the last one the verdict of all:
{"verdict":"held","checker":null,"calls":n,"simulatedMinutes":M,"seconds":x,"trace":null,...}
vipr replay FILE plays a trace again, and draws it as a ladder.`,
      options: ["seed", "minutes", "seeds", "nightly", "first", "trace", "no-shrink", "json"],
      examples: [
        { text: "one, of half an hour", line: "vipr simulate federation --seed 7 --minutes 30" },
        { text: "for continuous integration", line: "vipr simulate federation --seeds 20 --json" },
      ],
    },
  },
  notes: "docs/simulation.md says what is real here and what is modelled.",
  examples: [{ text: "a thousand nodes", line: "vipr simulate overlay" }],
  codes: {
    done: "the simulation ran to its end, and every checker held",
    fault: "a checker of a federation was violated",
    usage: true,
    interrupted: "ended by Ctrl-C",
  },
});
