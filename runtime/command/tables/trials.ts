/** The tables of what needs no company of one's own: demo, replay, fuzz. */
import { JSON_OPTION } from "../shared.ts";
import { table } from "../spec.ts";

export const demoTable = table({
  name: "demo",
  summary: "three companies, two adversaries and a telephone network on this machine",
  usage: ["[options]        (in the sources: npm start -- [options], npm run start:deno, npm run start:bun)"],
  options: {
    once: {
      type: "boolean",
      default: false,
      text: "end after the table; exit 0 only if every route learned leads to the number's owner, every intrusion was refused and no call failed",
    },
    json: {
      ...JSON_OPTION.json,
      text: 'one JSON object a line for each event; the last line is {"summary": {...}}',
    },
    calls: {
      type: "string",
      value: "FILE",
      text: "call records in Asterisk's CDR CSV format (Master.csv) instead of the example",
    },
    zone: {
      type: "string",
      default: "UTC",
      value: "ZONE",
      text: "time zone of the file's times: UTC (default), +02:00, Europe/Berlin",
    },
    domain: {
      type: "string",
      multiple: true,
      value: "NAME=+PREFIX,...",
      text: "whose numbers are whose; give it three times. By default the example's prefixes, or the three largest blocks of numbers in the file",
    },
    seed: {
      type: "string",
      value: "N",
      text: "makes choices (who steals what, delays, clocks) repeatable; keys stay random",
    },
    trace: {
      type: "string",
      value: "FILE",
      text: "write the events and orders of the overlay's machines; vipr replay FILE goes through it again. No keys, passwords or phone numbers are in it",
    },
    explain: {
      type: "string",
      multiple: true,
      value: "NUMBER",
      text: "print at the end, for each company, why it has a route to this number or none; may be given several times",
    },
    data: {
      type: "string",
      value: "DIR",
      text: "while it is up, vipr explain NUMBER --data DIR/<domain> and vipr ring --data DIR/<domain> ask a company's server",
    },
    admin: {
      type: "string",
      value: "HOST:PORT",
      text: "let vipr ring ask the overlay's first node here, an address of this machine",
    },
    open: { type: "boolean", default: false, text: "show the page in the browser at once" },
    verbose: { type: "boolean", default: false, text: "show the servers' own log" },
  },
  notes: "Without --once the companies stay up until Ctrl-C, and each has a page that shows what it does.",
  examples: [
    { text: "the demonstration, to its table", line: "vipr demo --once --seed 1" },
    { text: "with calls of one's own", line: "vipr demo --calls Master.csv --zone Europe/Berlin" },
  ],
  codes: { done: true, fault: "something did not hold, which is said", usage: true },
});

export const replayTable = table({
  name: "replay",
  summary: "a trace of the demo's machines or of a simulated federation, gone through again and compared",
  usage: ["FILE [--json]", "FILE [--step]"],
  about: `A file of vipr demo --trace FILE, on any runtime: the machines are given the same events.
A file of vipr simulate federation: the plan is played again and drawn as a ladder.`,
  options: {
    ...JSON_OPTION,
    step: { type: "boolean", default: false, text: "of a federation: one event for each Enter" },
  },
  words: [1, 1],
  completes: "file",
  examples: [
    { text: "a trace of vipr demo --trace", line: "vipr replay demo.trace" },
    { text: "a federation, event by event", line: "vipr replay vipr-federation-7.trace --step" },
  ],
  codes: {
    done: "the same orders at every step, or the same events",
    fault: "the first difference is shown",
    usage: "the file cannot be read, or its last record is cut off and all before it are the same",
  },
});

export const fuzzTable = table({
  name: "fuzz",
  summary: "inputs that break a codec or a machine, ours or your own",
  usage: ["TARGET [options]", "--list", "--replay FILE"],
  about: `TARGET is a name of --list, or module#export of your own: a machine of XState or of vipr/machines/kit, a codec with decode
and encode, or an object with one of them and what there is to say of it (docs/fuzzing.md). Needs fast-check 4:
npm install fast-check@4`,
  options: {
    runs: {
      type: "string",
      value: "N",
      text: "runs of each law (1000; with --time as many as there is time for)",
    },
    time: { type: "string", value: "T", text: "at most so long: 90s, 10m, 8h" },
    seed: { type: "string", value: "S", text: "the same values again (default: another each time)" },
    out: {
      type: "string",
      default: "vipr-fuzz.json",
      value: "FILE",
      text: "where a counter-example goes (vipr-fuzz.json)",
    },
    junit: { type: "string", value: "FILE", text: "the laws as JUnit's XML, for continuous integration" },
    json: { ...JSON_OPTION.json, text: "one line of JSON in place of text" },
    hang: {
      type: "string",
      default: "10",
      value: "S",
      text: "a run that takes longer is a counter-example (10 seconds)",
    },
    replay: { type: "string", value: "FILE", text: "the counter-example of an earlier run, again" },
    list: { type: "boolean", default: false, text: "our codecs and machines by name" },
  },
  words: [0, 1],
  notes: "SIGINT ends it with what was run.",
  examples: [
    { text: "a codec of ours, for ten minutes", line: "vipr fuzz VapMessage --time 10m" },
    { text: "a machine of one's own", line: "vipr fuzz ./door.mjs#door --junit door.xml" },
  ],
  codes: { done: "all laws held", fault: "a counter-example", usage: "no such target or option" },
});
