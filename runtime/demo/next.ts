/** What to try next, at the end of a demonstration whose companies stay up. */
import process from "node:process";
import type { DemoReport } from "./report.ts";

/** As who looks on has begun it: by npm in the tree, or by the command of the installed package. */
const BEGUN = process.env.npm_lifecycle_event === "start" ? "npm start --" : "vipr demo";

export const nextText = (
  { running }: Pick<DemoReport, "running">,
  page: string | undefined,
  begun: string = BEGUN,
): string => {
  const number = running.flatMap(({ routes }) => routes.all().map((route) => route.number))[0];
  const tries: ReadonlyArray<readonly [what: string, how: string]> = [
    ...(page === undefined ? [] : [["all of it, live, and the story again", page] as const]),
    ...(number === undefined
      ? []
      : [["why there is a route to a number", `${begun} --once --explain ${number}`] as const]),
    ["the same with your own call records", `${begun} --calls Master.csv --zone Europe/Berlin`],
    ["two companies of your own, on this machine", "docs/tutorial.md"],
    ["how the proof works", "docs/protocol/pvp.md"],
  ];
  const width = Math.max(...tries.map(([what]) => what.length));
  return [
    "",
    "What to try next:",
    ...tries.map(([what, how]) => `  ${what.padEnd(width)}  ${how}`),
    "",
    "The companies stay up. Ctrl-C ends them.",
  ].join("\n");
};
