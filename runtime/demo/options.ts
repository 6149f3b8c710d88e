/** The demonstration's flags, read once. */
import { parseArgs } from "node:util";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { type E164, normalizeE164 } from "../../codecs/shared/mod.ts";
import { loopbackOf } from "../cli/options.ts";
import { ADMIN_PORT } from "../cli/ports.ts";
import { COMPANIES, type DomainPrefixes, readPrefixes } from "./domains.ts";

export interface DemoOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly verbose: boolean;
  /** The page is shown in the browser at once. */
  readonly open: boolean;
  /** Undefined: the example that comes with the package. */
  readonly calls: string | undefined;
  readonly seed: number | undefined;
  readonly zone: string;
  /** Where vipr ring may ask the overlay's first node; undefined: nowhere. */
  readonly admin: Endpoint | undefined;
  /** Undefined: no trace. */
  readonly trace: string | undefined;
  /** Numbers whose audit reports are printed at the end. */
  readonly explain: ReadonlyArray<E164>;
  /** Where each company's admin port is written down; undefined: none is open. */
  readonly data: string | undefined;
  readonly domains: ReadonlyArray<DomainPrefixes>;
}

export const DEMO_HELP = `vipr demo: three companies, two adversaries, one telephone network, all on this machine

usage: npm start -- [options]        (also npm run start:deno, npm run start:bun)

  --once           end after the table; exit 0 only if every route learned leads to the
                   number's owner, every intrusion was refused and no call failed
  --json           one JSON object a line for each event; the last line is {"summary": {...}}
  --calls FILE     call records in Asterisk's CDR CSV format (Master.csv) instead of the example
  --zone ZONE      time zone of the file's times: UTC (default), +02:00, Europe/Berlin
  --domain NAME=+PREFIX[,+PREFIX...]
                   whose numbers are whose; give it three times. By default the example's
                   prefixes, or the three largest blocks of numbers in the file
  --seed N         makes choices (who steals what, delays, clocks) repeatable; keys stay random
  --trace FILE     write the events and orders of the overlay's machines; vipr replay FILE goes
                   through it again. No keys, passwords or phone numbers are in it
  --explain NUMBER tell at the end, for each company, why it has a route to this number or none;
                   may be given several times
  --data DIR       while it is up, vipr explain NUMBER --data DIR/<domain> and
                   vipr ring --data DIR/<domain> ask a company's server
  --admin HOST:PORT
                   let vipr ring ask the overlay's first node here, an address of this machine
  --open           show the page in the browser at once
  --verbose        show the servers' own log
  --help           this text

Without --once the companies stay up until Ctrl-C, and each has a page that shows what it does.
`;

export type DemoRead =
  | { readonly type: "run"; readonly options: DemoOptions }
  | { readonly type: "help" }
  | { readonly type: "wrong"; readonly why: string };

export const readDemoOptions = (args: ReadonlyArray<string>): DemoRead => {
  let values: ReturnType<typeof parsed>;
  try {
    values = parsed(args);
  } catch (error) {
    return { type: "wrong", why: (error as Error).message };
  }
  if (values.help) return { type: "help" };
  const seed = values.seed === undefined ? undefined : Number(values.seed);
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0))
    return { type: "wrong", why: `--seed wants a whole number from 0, not "${values.seed}"` };
  const domains: Array<DomainPrefixes> = [];
  for (const text of values.domain) {
    const read = readPrefixes(text);
    if (read === undefined) return { type: "wrong", why: `--domain wants name=+prefix[,+prefix], not "${text}"` };
    domains.push(read);
  }
  if (domains.length !== 0 && new Set(domains.map(({ domain }) => domain)).size !== COMPANIES)
    return { type: "wrong", why: `--domain: give ${COMPANIES} different domains, or none` };
  const explain: Array<E164> = [];
  for (const text of values.explain) {
    const number = normalizeE164(text);
    if (number === undefined) return { type: "wrong", why: `--explain wants a telephone number, not "${text}"` };
    explain.push(number);
  }
  const { once, json, verbose, open, calls, zone, trace, data } = values;
  if (open && once) return { type: "wrong", why: "--open: with --once there is no page" };
  try {
    const admin = values.admin === undefined ? undefined : loopbackOf(values.admin, "admin", ADMIN_PORT);
    return {
      type: "run",
      options: { once, json, verbose, open, calls, seed, zone, trace, admin, explain, data, domains },
    };
  } catch (error) {
    return { type: "wrong", why: (error as Error).message };
  }
};

const parsed = (args: ReadonlyArray<string>) =>
  parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: false,
    options: {
      once: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
      open: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      calls: { type: "string" },
      seed: { type: "string" },
      zone: { type: "string", default: "UTC" },
      admin: { type: "string" },
      trace: { type: "string" },
      explain: { type: "string", multiple: true, default: [] },
      data: { type: "string" },
      domain: { type: "string", multiple: true, default: [] },
    },
  }).values;
