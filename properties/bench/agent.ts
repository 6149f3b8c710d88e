/**
 * The call agent's proxy beside Kamailio and beside the package `sip`: INVITE 180 200 ACK BYE 200 over UDP, with Record-Route,
 * the same sipp scenario for all, and what they cost by their own processor time. Ours and `sip` write each record to SQLite as well.
 *
 *   caller --> ours, Kamailio or sip --> sipp (called)        one process each, started once, measured round by round
 *
 * The delay is measured once for each proxy and shown beside Kamailio's and beside what we want.
 */
import { addedDelays } from "./agent/delay.ts";
import { bytesOfCall } from "./agent/memory.ts";
import { callsPerCpuSecond, kamailio, ours, type Started, sipOfNpm } from "./agent/processes.ts";
import type { Contest } from "./kit.ts";

const CALLS = 1_000;
/** Well below what any sustains here: sipp has the same two cores. */
const RATE = 250;
/** Before the first round: a proxy runs for months, and its compilers are done after the first minute. */
const WARM_CALLS = 4_000;
const WARM_RATE = 400;
const P50_MS_MAX = 1;
const P99_MS_MAX = 5;

const warm = new Set<Started>();
const calls = (proxy: () => Promise<Started>) => async (): Promise<number> => {
  const started = await proxy();
  if (!warm.has(started)) await callsPerCpuSecond(started, WARM_CALLS, WARM_RATE);
  warm.add(started);
  return callsPerCpuSecond(started, CALLS, RATE);
};

const p50Of = (proxy: () => Promise<Started>) => async () => (await addedDelays(await proxy())).p50Ms;
const p99Of = (proxy: () => Promise<Started>) => async () => (await addedDelays(await proxy())).p99Ms;
const delay = { unit: "ms", lowerIsBetter: true, rounds: 1 } as const;

export const contests: ReadonlyArray<Contest> = [
  {
    name: "agent: calls, record-routed over UDP, record written",
    unit: "1/cpu-s",
    peerName: "Kamailio",
    ours: calls(ours),
    peer: calls(kamailio),
    rounds: 3,
    aim: 0.5,
  },
  {
    name: "agent: the same beside a proxy in JavaScript",
    unit: "1/cpu-s",
    peerName: "sip (npm)",
    ours: calls(ours),
    peer: calls(sipOfNpm),
    rounds: 3,
    aim: 4,
  },
  { ...delay, name: "agent: added delay, p50", peerName: "1 ms", ours: p50Of(ours), peer: () => P50_MS_MAX, aim: 1 },
  { ...delay, name: "agent: added delay, p99", peerName: "5 ms", ours: p99Of(ours), peer: () => P99_MS_MAX, aim: 1 },
  {
    ...delay,
    name: "agent: added delay beside Kamailio's, p50",
    peerName: "Kamailio",
    ours: p50Of(ours),
    peer: p50Of(kamailio),
  },
  {
    ...delay,
    name: "agent: added delay beside Kamailio's, p99",
    peerName: "Kamailio",
    ours: p99Of(ours),
    peer: p99Of(kamailio),
  },
  {
    name: "agent: memory of a call under way, of 10,000",
    unit: "bytes",
    peerName: "8 KiB",
    ours: bytesOfCall,
    peer: () => 8_192,
    lowerIsBetter: true,
    rounds: 2,
    aim: 1,
  },
];
