/**
 * A pair of border elements beside a pair of Kamailios: INVITE 180 200 ACK BYE 200 from one company to the other, TCP inside,
 * mutual TLS between, the ticket checked by the second. The same sipp scenario and rate for both, in one run; the cost is the
 * processor time of each pair's own processes.
 *
 *   sipp (agent) -- TCP --> border == TLS ==> border -- TCP --> sipp (agent)
 */
import { type Pair, startKamailio, startOurs } from "./border/pairs.ts";
import { play } from "./border/play.ts";
import type { Contest } from "./kit.ts";

const CALLS = 1_500;
const RATE = 150;

const once = (make: () => Promise<Pair>): (() => Promise<Pair>) => {
  let made: Promise<Pair> | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
const ours = once(startOurs);
const kamailio = once(startKamailio);

const callsOf = (pair: () => Promise<Pair>) => async () => {
  const { calls, cpuS } = await play(await pair(), { calls: CALLS, perSecond: RATE });
  return calls / cpuS;
};

export const contests: ReadonlyArray<Contest> = [
  {
    name: "border: calls through a pair, TCP inside, mutual TLS between",
    unit: "1/cpu-s",
    peerName: "two Kamailios",
    ours: callsOf(ours),
    peer: callsOf(kamailio),
    rounds: 3,
    aim: 0.8,
  },
];
