/**
 * How long a command of ours takes to start, and what a server at rest keeps: from the package, beside the sources as they stand.
 *
 *   vipr --help            from the start of the process to its end
 *   vipr server ready      to the last line of its greeting: it has joined its overlay, alone, and listens for VAP and PVP
 *   vipr server at rest    resident memory, a minute later
 *
 * The package is built first, as `npm pack` does it. Of a start the quickest of several counts: a neighbour's work only adds.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { start } from "../cli/processes.ts";
import { type Contest, wallMs } from "./kit.ts";
import { openOverlay } from "./start/overlay.ts";

const ROOT = new URL("../../", import.meta.url);
const BUILT = new URL("dist/command/main.js", ROOT).pathname;
const SOURCE = new URL("runtime/main.ts", ROOT).pathname;
const STARTS = 3;
const REST_MS = 60_000;

let built = false;
/** The package's `vipr`. */
const packed = (): string => {
  if (!built) execFileSync("node", ["properties/package/build.ts"], { cwd: ROOT, stdio: "ignore" });
  built = true;
  return BUILT;
};

const quickest = async (one: () => Promise<number>): Promise<number> => {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < STARTS; i++) best = Math.min(best, await one());
  return best;
};

const helpMs = (main: string) => async () => {
  const from = wallMs();
  if ((await start(["--help"], "", main).ended) !== 0) throw new Error("no help");
  return wallMs() - from;
};

const GREETED = /^agents /m;
const readyMs = (main: string) => async () => {
  const { serverArgs } = await openOverlay(packed());
  const from = wallMs();
  const server = start(serverArgs, "", main);
  await server.said(GREETED);
  const tookMs = wallMs() - from;
  await server.kill("SIGTERM");
  return tookMs;
};

const resting = new Map<string, Promise<number>>();
/** Once for each: a minute takes long enough. */
const restingMiB = (main: string): Promise<number> => {
  const known = resting.get(main) ?? restMiB(main);
  resting.set(main, known);
  return known;
};
const restMiB = async (main: string): Promise<number> => {
  const { serverArgs } = await openOverlay(packed());
  const server = start(serverArgs, "", main);
  await server.said(GREETED);
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const [, kib] = /^VmRSS:\s+([0-9]+) kB/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))!;
  await server.kill("SIGTERM");
  return Number(kib) / 1_024;
};

const common = { peerName: "the sources as they stand", lowerIsBetter: true } as const;

export const contests: ReadonlyArray<Contest> = [
  {
    ...common,
    name: "start: vipr --help",
    unit: "ms",
    ours: () => quickest(helpMs(packed())),
    peer: () => quickest(helpMs(SOURCE)),
    rounds: 3,
    aim: 1.4,
  },
  {
    ...common,
    name: "start: vipr server ready",
    unit: "ms",
    ours: () => quickest(readyMs(packed())),
    peer: () => quickest(readyMs(SOURCE)),
    rounds: 3,
    aim: 2,
  },
  {
    ...common,
    name: "start: vipr server at rest",
    unit: "MiB",
    ours: () => restingMiB(packed()),
    peer: () => restingMiB(SOURCE),
    rounds: 1,
    aim: 1.5,
  },
];
