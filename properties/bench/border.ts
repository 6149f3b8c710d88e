/**
 * A pair of border elements beside a pair of Kamailios: INVITE 180 200 ACK BYE 200 from one company to the other, TCP inside,
 * mutual TLS between, the ticket checked by the second. The same scenario and rate for both, in one run; the cost is the
 * processor time of each pair's own processes.
 *
 *   sipp (agent) -- TCP --> border == TLS ==> border -- TCP --> sipp (agent)
 *
 * A run in which a call was lost, or is taken for one under way afterwards, ends the bench.
 */
import { hear } from "./border/delays.ts";
import { bytesOfCall } from "./border/memory.ts";
import { type Pair, startKamailio, startOurs } from "./border/pairs.ts";
import { cpuOfCalls } from "./border/play.ts";
import { type Contest, median } from "./kit.ts";

const CALLS = 1_500;
const RATE = 150;
/** Before the first round: a border element runs for months, and its compilers are done after the first minute. */
const WARM_CALLS = 3_000;
/** Some half of what ours sustains on one core, and the rate of the start from cold. */
const HALF_LOAD = 200;
const HEARD_CALLS = 1_000;
const HEARD_ROUNDS = 3;
const P99_MS_MAX = 5;

type Start = () => Promise<Pair>;
const warmed = (start: Start): Start => {
  let made: Promise<Pair> | undefined;
  const make = async () => {
    const pair = await start();
    await cpuOfCalls(pair, WARM_CALLS, HALF_LOAD);
    return pair;
  };
  return () => {
    made ??= make();
    return made;
  };
};
const ours = warmed(startOurs);
const kamailio = warmed(startKamailio);

const callsOf = (pair: Start) => async () => CALLS / (await cpuOfCalls(await pair(), CALLS, RATE));

const p99Of = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[Math.floor(0.99 * values.length)]!;

/** What the pair adds until it rings, of one call in a hundred. Fails where a call was lost. */
const addedTo = async (pair: Pair): Promise<number> => {
  const alone = await hear(pair, HEARD_CALLS, HALF_LOAD, true);
  const by = await hear(pair, HEARD_CALLS, HALF_LOAD);
  if (by.lost > 0) throw new Error(`${by.lost} of ${HEARD_CALLS} calls were lost`);
  return Math.max(RESOLUTION_MS, p99Of(by.delaysMs) - p99Of(alone.delaysMs));
};
const RESOLUTION_MS = 0.1;

/** Measured once for each pair, and shown beside the other's and beside what we want. */
const once = (measure: () => Promise<number>): (() => Promise<number>) => {
  let made: Promise<number> | undefined;
  return () => {
    made ??= measure();
    return made;
  };
};
const added = (pair: Start) =>
  once(async () => {
    const rounds: Array<number> = [];
    for (let i = 0; i < HEARD_ROUNDS; i++) rounds.push(await addedTo(await pair()));
    return median(rounds);
  });
/** Of pairs that were started a moment ago and have carried nothing: the first calls wait for the first stream, too. */
const addedFromCold = (start: Start) =>
  once(async () => {
    const rounds: Array<number> = [];
    for (let i = 0; i < HEARD_ROUNDS; i++) {
      const pair = await start();
      rounds.push(await addedTo(pair));
      await pair.end();
    }
    return median(rounds);
  });
const [oursAdds, kamailioAdds] = [added(ours), added(kamailio)];
const [oursAddsCold, kamailioAddsCold] = [addedFromCold(startOurs), addedFromCold(startKamailio)];
const delay = { unit: "ms", lowerIsBetter: true, rounds: 1 } as const;
const limit = { ...delay, peerName: "5 ms", peer: () => P99_MS_MAX, aim: 1 } as const;
const beside = { ...delay, peerName: "two Kamailios" } as const;

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
  { ...limit, name: "border: added latency at half load, p99", ours: oursAdds },
  { ...beside, name: "border: added latency beside Kamailio's, p99", ours: oursAdds, peer: kamailioAdds },
  { ...limit, name: "border: added latency from cold, p99", ours: oursAddsCold },
  {
    ...beside,
    name: "border: added latency from cold beside Kamailio's, p99",
    ours: oursAddsCold,
    peer: kamailioAddsCold,
  },
  {
    name: "border: memory of a call under way, of 10,000",
    unit: "bytes",
    peerName: "12 KiB",
    ours: bytesOfCall,
    peer: () => 12_288,
    lowerIsBetter: true,
    rounds: 2,
    aim: 1,
  },
];
