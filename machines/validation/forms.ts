/**
 * Which user names an originator gives a call: such as mean none of the other calls that it knows of.
 * docs/protocol/pvp.md#which-name.
 *
 *   the caller is known                          another call between the same two numbers?  no: A of version 1
 *        its rivals: those of the half hour --> bits of the times' hash that no rival shares:    A of version 2
 *   the instant                                  another call at it?                         no: B of version 1
 *        its rivals: those at the instant ----> bits of the times' hash that no rival shares:    B of version 2
 *
 * A claimant receives the bits, so each is one bit less to guess, and no more than that: for given rivals the shortest
 * bits that none of them shares are a prefix code, of which the sum of 2^-length is 1 at most. Functions only.
 * DECISIONS.md D-099, D-100.
 */
import { type NtpMs, ntpMs, ntpMsOf, type UnixMs } from "../../codecs/shared/mod.ts";
import { type Direction, ERA_SECONDS_MAX, TIME_BITS_MAX } from "../../codecs/validation/mod.ts";
import { NAMED_TOGETHER_MAX } from "./candidates.ts";
import { type CallFacts, halfHourOf, type NameForm, roundInDirection, roundNearest, timeBits } from "./secret.ts";

/** A form, and the bits of the times' hash that claimants know once they have received this name and those before it. */
export interface PvpForm extends NameForm {
  readonly revealed: number;
}

export interface CallToName {
  readonly call: CallFacts;
  /** Our other calls to that number, as long as the terminator may keep them; none of them is this call once more. */
  readonly others?: ReadonlyArray<CallFacts>;
  /** Whole seconds, in the call: B names it. */
  readonly instantMs: UnixMs;
  readonly roundMs: number;
  /** Our domain shows no telephone number to a claimant that has proved nothing. Default false. */
  readonly isPrivate?: boolean;
  /** Others call that number too, at the same time: B shall have more bits than our own calls need. Default false. */
  readonly isShared?: boolean;
}

/** With so many more bits a stranger's call is taken for ours one time in 32. */
export const STRANGER_BITS = 5;

/** In the order in which they are tried. Empty: each name would mean another call of ours as well. */
export const formsFor = (of: CallToName): ReadonlyArray<PvpForm> => {
  const isOfFirstEra = ntpMsOf(of.call.stopMs) / 1000 + 60 < ERA_SECONDS_MAX;
  if (of.isPrivate === true) return [{ method: "C", version: isOfFirstEra ? 1 : 2, bits: 0, revealed: 0 }];
  const a = byCaller(of);
  const b = byInstant(of, isOfFirstEra);
  const revealed = a === undefined ? 0 : a.bits;
  return [
    ...(a === undefined ? [] : [{ ...a, revealed }]),
    ...(b === undefined ? [] : [{ ...b, revealed: Math.max(revealed, b.bits) }]),
  ];
};

const byCaller = ({ call, others = [], roundMs }: CallToName): NameForm | undefined => {
  if (call.calling === undefined) return undefined;
  const ofPair = others.filter(({ calling }) => calling === call.calling);
  if (ofPair.length === 0) return { method: "A", version: 1, bits: 0 };
  const rounded = roundedHere(call, roundMs);
  const halfHour = halfHourOf(rounded.start.ms);
  const rivals = ofPair.filter((other) =>
    roundedThere(ntpMsOf(other.startMs), rounded.start.direction, roundMs).some((ms) => halfHourOf(ms) === halfHour),
  );
  return withBits("A", bitsApart(call, rivals, roundMs));
};

const byInstant = (of: CallToName, isOfFirstEra: boolean): NameForm | undefined => {
  const { call, others = [], instantMs, roundMs, isShared = false } = of;
  // T/4 for the clocks, and T/4 that the terminator adds.
  const rivals = others.filter(
    ({ startMs, stopMs }) => instantMs >= startMs - roundMs / 2 && instantMs <= stopMs + roundMs / 2,
  );
  if (rivals.length === 0 && !isShared && isOfFirstEra) return { method: "B", version: 1, bits: 0 };
  const bits = bitsApart(call, rivals, roundMs);
  return withBits("B", bits !== undefined && isShared ? Math.min(TIME_BITS_MAX, bits + STRANGER_BITS) : bits);
};

const withBits = (method: "A" | "B", bits: number | undefined): NameForm | undefined =>
  bits === undefined ? undefined : { method, version: 2, bits };

/**
 * How many bits of the times' hash tell the call from all rivals; undefined: none do, or there are too many. Of a rival with
 * the same rounded times the password is the same.
 */
const bitsApart = (call: CallFacts, rivals: ReadonlyArray<CallFacts>, roundMs: number): number | undefined => {
  if (rivals.length >= NAMED_TOGETHER_MAX) return undefined;
  const { start, stop } = roundedHere(call, roundMs);
  const own = timeBits(start.ms, stop.ms);
  let bits = 0;
  for (const rival of rivals)
    for (const startMs of roundedThere(ntpMsOf(rival.startMs), start.direction, roundMs))
      for (const stopMs of roundedThere(ntpMsOf(rival.stopMs), stop.direction, roundMs))
        if (startMs !== start.ms || stopMs !== stop.ms)
          bits = Math.max(bits, 1 + lengthOfCommon(own, timeBits(startMs, stopMs)));
  return bits > TIME_BITS_MAX ? undefined : bits;
};

const roundedHere = ({ startMs, stopMs }: CallFacts, roundMs: number) => ({
  start: roundNearest(ntpMsOf(startMs), roundMs),
  stop: roundNearest(ntpMsOf(stopMs), roundMs),
});

/** What the terminator may round one of our times to, if its clock differs by less than T/4: one multiple, or two. */
const roundedThere = (ms: NtpMs, sent: Direction, roundMs: number): ReadonlyArray<NtpMs> => {
  const skewMs = roundMs / 4 - 1;
  const [low, high] = [-skewMs, skewMs].map((away) => roundInDirection(ntpMs(ms + away), sent, roundMs));
  return low === high ? [low!] : [low!, high!];
};

const lengthOfCommon = (a: string, b: string): number => {
  const at = [...a].findIndex((bit, i) => bit !== b[i]);
  return at < 0 ? a.length : at;
};
