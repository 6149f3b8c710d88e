/** The readers of datagrams and streams, fed with messages of the documents that were changed at some places. */
import type { Chance } from "../kit/chance.ts";
import { readInFull, type Verdict } from "../sip/read-in-full.ts";
import { type Subject, tortureBy } from "./subject.ts";

export const parserSubject = (): Subject => {
  let bytes: Uint8Array = new Uint8Array();
  const counts: Record<Verdict, number> = { read: 0, unreadable: 0, nothing: 0 };
  return {
    name: "parser",
    step: (chance: Chance) => {
      bytes = tortureBy(chance);
      counts[readInFull(bytes, chance.next())] += 1;
    },
    settle: () => {},
    last: () => bytes,
    counts: () => counts,
  };
};
