/** `vipr replay` of a federation's file: its plan is played again, compared, and drawn. */

import process from "node:process";
import { createInterface } from "node:readline";
import { exitCode } from "../cli/exit.ts";
import { complain, say } from "../cli/output.ts";
import { terminalLine } from "../cli/progress.ts";
import { type FederationFile, readFile } from "./file.ts";
import { ladderOf } from "./ladder.ts";
import { runPlan, simulatedText } from "./run.ts";

export const replayFederation = async (file: string, bytes: Uint8Array, isStepped: boolean): Promise<number> => {
  let kept: FederationFile;
  try {
    kept = readFile(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    complain(`vipr replay: ${file}: ${(error as Error).message}`);
    return exitCode.usage;
  }
  const line = terminalLine();
  const tell = (ms: number) => line(() => `${file}: ${simulatedText(ms, kept.plan.minutes)}`);
  const again = await runPlan(kept.plan, undefined, tell);
  const { head, line: drawn } = ladderOf(again.events);
  say(head);
  const step = isStepped ? makeStepper() : undefined;
  for (const event of again.events) {
    await step?.next();
    say(drawn(event));
  }
  step?.close();
  const { violation, hash } = again;
  say(violation === undefined ? "held" : `violated: ${violation.checker}: ${violation.why}`);
  if (hash === kept.hash) {
    say(`${again.events.length} events, all the same`);
    return exitCode.done;
  }
  const at = again.events.findIndex((event, i) => JSON.stringify(event) !== JSON.stringify(kept.events[i]));
  const expected = kept.events[at];
  say(`not the same${at < 0 ? "" : ` from event ${at + 1} on`}`);
  if (at >= 0)
    say(`expected ${expected === undefined ? "(nothing)" : drawn(expected)}\nfound    ${drawn(again.events[at]!)}`);
  return exitCode.fault;
};

/** One event for each line of the standard input, and all of them once that has ended. */
const makeStepper = () => {
  const lines = createInterface({ input: process.stdin });
  const iterator = lines[Symbol.asyncIterator]();
  return {
    next: async () => {
      await iterator.next();
    },
    close: () => lines.close(),
  };
};
