/** `vipr simulate`: reads the flags, runs the simulation, prints the result for a person or for a script. */
import process from "node:process";
import { command } from "../cli/options.ts";
import { complain, say } from "../cli/output.ts";
import { terminalLine } from "../cli/progress.ts";
import { exitCode } from "../command/exit-codes.ts";
import { simulateTable } from "../command/tables/simulate.ts";
import type { Line } from "./measure.ts";
import { type SimulateOptions, simulateOptions } from "./options.ts";
import { type Detail, simulate } from "./overlay.ts";
import { routeOnly } from "./routing.ts";
import { type Hooks, Stopped } from "./stages.ts";

export const simulateCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(simulateTable, args, async (values, [order]) =>
    order === "federation"
      ? (await import("../federation/command.ts")).simulateFederation(values)
      : untilStopped(simulateOptions(values)),
  );

const untilStopped = async (options: SimulateOptions): Promise<number> => {
  let isStopped = false;
  const stop = () => {
    isStopped = true;
  };
  process.once("SIGINT", stop);
  try {
    const line = terminalLine();
    await run(options, {
      report: (what) => complain(`simulate: ${what}`),
      passing: (text) => line(() => `simulate: ${text()}`),
      isStopped: () => isStopped,
    });
    return exitCode.done;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    complain("simulate: ended before its time; nothing is reported of a part");
    return exitCode.interrupted;
  } finally {
    process.removeListener("SIGINT", stop);
  }
};

const run = async (options: SimulateOptions, hooks: Hooks): Promise<void> => {
  if (options.routingOnly) {
    const line = await routeOnly(options, hooks);
    say(options.json ? JSON.stringify(line) : tableOf(line, undefined));
    return;
  }
  const { line, detail } = await simulate(options, hooks);
  if (options.json) {
    say(JSON.stringify({ detail }));
    say(JSON.stringify(line));
  } else say(tableOf(line, detail));
};

const tableOf = (line: Line, detail: Detail | undefined): string => {
  const { hops } = line;
  const rows: Array<readonly [string, string]> = [
    ["nodes", `${line.nodes}`],
    ["look-ups", `${line.lookups}`],
    ["succeeded", `${(100 * line.success).toFixed(2)} %`],
    ["hops", `mean ${hops.mean}, p50 ${hops.p50}, p99 ${hops.p99}, max ${hops.max}; log2 N = ${line.log2n}`],
  ];
  if (detail !== undefined) rows.push(...moreOf(line, detail));
  rows.push(["took", `${line.seconds} s`]);
  return rows.map(([name, value]) => `${name.padEnd(20)}${value}`).join("\n");
};

/** Of messages and values. */
const SIGNATURES = { ecdsa: "ECDSA P-256", checksum: "a checksum in place of each (--signatures ecdsa computes them)" };
const seconds = (value: number | null): string => (value === null ? "not in the time given" : `${value} s`);
const moreOf = (line: Line, detail: Detail): ReadonlyArray<readonly [string, string]> => {
  const failures = Object.entries(detail.failures).map(([why, count]) => `${count} ${why}`);
  return [
    ["failures", failures.length === 0 ? "none" : failures.join(", ")],
    ["values lost", `${line.lostValues}; no copy lived on: ${detail.goneValues}`],
    ["ring repaired", `${seconds(line.repairSeconds)}; three neighbours each way: ${seconds(detail.repairSeconds3)}`],
    ["came and went", `${detail.joined} and ${detail.left}`],
    ["messages", `${line.messagesPerNodeSecond} a second and node`],
    ["bytes", `${line.bytesPerNode} sent by a node while the look-ups ran`],
    ["a node has", `${detail.linksPerNode} links, and takes ${detail.memoryBytesPerNode} bytes of memory`],
    [
      "machine steps",
      `${Object.values(detail.steps).reduce((sum, n) => sum + n, 0)}, ${detail.usPerStep} µs of CPU each`,
    ],
    ["signatures", SIGNATURES[detail.signatures]],
    ["virtual time", `${detail.virtualSeconds} s`],
  ];
};
