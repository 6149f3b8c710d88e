/** The calls of the crash run: call N is known to both companies by N alone, and no two have caller and time in common. */
import { type E164, e164, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";

export type Company = "a" | "b";
export const COMPANIES: ReadonlyArray<Company> = ["a", "b"];
export const OVERLAY = "vipr.test";
export const VSERVICE = { a: 0xa1n, b: 0xb2n } as const;
export const NUMBERS: Readonly<Record<Company, ReadonlyArray<E164>>> = {
  a: [e164("+14085551000"), e164("+14085551001")],
  b: [e164("+498912345670"), e164("+498912345671")],
};
/** Uploads under way of one agent. */
export const AT_ONCE = 8;
/** Every so many calls, one is from b to a: b's server validates it at once. a's waits for an hour. */
export const BACK_EVERY = 20;

export interface AgentOrder {
  readonly company: Company;
  readonly port: number;
  readonly password: string;
  /** The first call that no agent of this company has taken yet. */
  readonly from: number;
  readonly everyMs: number;
}

export const callerOf = (n: number): Company => (n % BACK_EVERY === 0 ? "b" : "a");

/** Of the run, so that no call is older than a server takes. */
const BASE_MS = 1_000 * 3_600 * 24 * 365;
const EVERY_MS = 20_000;

export const timesOf = (n: number): { readonly startMs: number; readonly stopMs: number } => {
  const startMs = BASE_MS + n * EVERY_MS;
  return { startMs, stopMs: startMs + 600_000 + (n % 97) * 10 };
};

/** Of another subscriber each: two calls from one to the same number at about the same time are one call to a server. */
const callingOf = (caller: Company, n: number): E164 =>
  e164(caller === "a" ? `+1408${2_000_000 + n}` : `+4989${20_000_000 + n}`);

/** b calls numbers that a has published. a calls many, as a server remembers some thousand calls to each. */
const CALLED = 1_000;
const calledOf = (caller: Company, n: number): E164 =>
  caller === "a" ? e164(`+4989${30_000_000 + (n % CALLED)}`) : NUMBERS.a[(n / BACK_EVERY) % NUMBERS.a.length]!;

export const recordOf = (company: Company, n: number): Vcr => {
  const caller = callerOf(n);
  const { startMs, stopMs } = timesOf(n);
  return {
    direction: caller === company ? "sent" : "received",
    calling: callingOf(caller, n),
    called: calledOf(caller, n),
    startMs: unixMs(startMs),
    stopMs: unixMs(stopMs),
    vservice: vserviceId(VSERVICE[company]),
  };
};
