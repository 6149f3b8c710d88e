/** What to try next, at the end of a demonstration whose companies stay up. */
import type { DemoReport } from "./report.ts";

export const nextText = ({ running }: Pick<DemoReport, "running">, page: string | undefined): string => {
  const number = running.flatMap(({ routes }) => routes.all().map((route) => route.number))[0];
  const tries: ReadonlyArray<readonly [what: string, how: string]> = [
    ...(page === undefined ? [] : [["all of it, live, and the story again", page] as const]),
    ...(number === undefined
      ? []
      : [["why there is a route to a number", `npm start -- --once --explain ${number}`] as const]),
    ["the same with your own call records", "npm start -- --calls Master.csv --zone Europe/Berlin"],
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
