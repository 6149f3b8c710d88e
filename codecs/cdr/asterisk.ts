/**
 * Asterisk's call detail records: one row for each stretch that two channels spent together.
 *
 *   channel     --a trunk's--> a telephone call that came in, or the rest of one that was sent before
 *   dstchannel  --a trunk's--> one that was sent, if Dial made the channel; the number is in lastdata
 *   neither, though the row has channels --> noTrunk
 *   no such columns, or no trunk known   --> one call for each linkedid, and the numbers say which way
 *
 * The name of a trunk's channel is the identity of the call: rows after a transfer, a parking or a pickup have it too, and
 * `uniqueid` only while the trunk stands in `channel`.
 */
import { type AsteriskLayout, isDisposition, UNIQUE_ID } from "./asterisk-columns.ts";
import { type Instants, instantsOf, type ZoneEvidence } from "./birth.ts";
import { dialledIn } from "./dial-string.ts";
import { type Note, notesIn } from "./note.ts";
import type { Place } from "./place.ts";
import { type Bridge, type CdrRow, faultRow, type Leg, legOf, NO_BRIDGES, type NumberText, ownText } from "./row.ts";
import { channelBase, type TrunkOf } from "./trunks.ts";
import { epochMsOf, localMsOf, type Zone } from "./zone.ts";

export interface AsteriskOptions {
  readonly zone: Zone;
  readonly trunkOf: TrunkOf;
  /** No trunk is known: the numbers alone decide. */
  readonly byNumbers: boolean;
}

const FAR_MS = 7 * 24 * 3_600_000;

export const asteriskRow = (
  fields: ReadonlyArray<string>,
  at: AsteriskLayout,
  place: Place,
  options: AsteriskOptions,
  evidence: ZoneEvidence,
): CdrRow => {
  const disposition = at.disposition < 0 ? "ANSWERED" : (fields[at.disposition] ?? "").trim();
  if (!isDisposition(disposition)) return faultRow(place, "badLine", "disposition is none of Asterisk's");
  const times = timesOf(fields, at, options.zone, evidence);
  if (typeof times === "string") return faultRow(place, "badLine", times);
  const legs =
    at.channel < 0 || options.byNumbers
      ? [legByNumbers(fields, at, times)]
      : legsOf(fields, at, times, options.trunkOf);
  const bridges = bridgesOf(fields, at, options.trunkOf);
  if (legs.length === 0) return { ...faultRow(place, "noTrunk", undefined, times.endMs), bridges };
  return { place, legs, bridges, fault: undefined, detail: undefined, atMs: times.endMs };
};

const textAt = (fields: ReadonlyArray<string>, index: number): string => (index < 0 ? "" : (fields[index] ?? ""));

/** In UTC, or what is wrong. Epochs are in no zone. */
const timesOf = (
  fields: ReadonlyArray<string>,
  at: AsteriskLayout,
  zone: Zone,
  evidence: ZoneEvidence,
): Instants | string => {
  const [start, answer, end] = [textAt(fields, at.start), textAt(fields, at.answer), textAt(fields, at.end)];
  const isEpoch = start.charCodeAt(4) !== 0x2d;
  const read = isEpoch ? epochMsOf : localMsOf;
  const [startMs, endMs] = [read(start), read(end)];
  if (startMs === undefined) return "start is not a time";
  if (endMs === undefined) return "end is not a time";
  const isAnswered = answer !== "" && answer !== "0" && !/^0\.0*$/.test(answer);
  const answerMs = isAnswered ? read(answer) : undefined;
  if (isAnswered && answerMs === undefined) return "answer is not a time";
  const local = {
    startMs,
    answerMs,
    endMs,
    birthMs: isEpoch ? undefined : (birthOf(textAt(fields, at.uniqueid)) ?? birthOf(textAt(fields, at.linkedid))),
    durationS: secondsOf(textAt(fields, at.duration)),
    billS: secondsOf(textAt(fields, at.billsec)),
  };
  const instants = instantsOf(local, isEpoch ? EPOCHS : zone, evidence);
  if (instants === undefined)
    return answerMs !== undefined && answerMs < startMs ? "answer before start" : "end before start or answer";
  return instants.endMs - instants.startMs > FAR_MS ? "longer than a week" : instants;
};
const EPOCHS: Zone = { instants: (ms) => [ms] };

const secondsOf = (text: string): number | undefined => (/^[0-9]{1,6}$/.test(text) ? Number(text) : undefined);
const birthOf = (id: string): number | undefined => {
  const match = id === "" ? null : UNIQUE_ID.exec(id);
  return match === null ? undefined : Number(match[1]) * 1000;
};

/** Applications that only meet the channel in `dstchannel`; all others made it, or kept on with one that Dial made. */
const MEETINGS = new Set(
  "ConfBridge MeetMe Conference Konference Park ParkedCall ParkAndAnnounce Pickup PickupChan Bridge BridgeWait ChanSpy".split(
    " ",
  ),
);
const CONFERENCES = new Set(["ConfBridge", "MeetMe", "Conference", "Konference"]);

const legsOf = (
  fields: ReadonlyArray<string>,
  at: AsteriskLayout,
  times: Instants,
  trunkOf: TrunkOf,
): ReadonlyArray<Leg> => {
  const [channel, dstchannel] = [textAt(fields, at.channel), textAt(fields, at.dstchannel)];
  const [own, other] = [trunkOf(channel), trunkOf(dstchannel)];
  if (own === undefined && other === undefined) return [];
  const notes = at.userfield < 0 ? [] : notesIn(textAt(fields, at.userfield));
  const legs: Array<Leg> = [];
  const lastapp = textAt(fields, at.lastapp);
  if (own !== undefined) {
    const begun = other === undefined ? originated(notes) : undefined;
    legs.push(
      begun === undefined
        ? ownLeg(fields, at, times, channel, own, notes)
        : begunLeg(fields, at, times, channel, begun),
    );
  }
  if (other !== undefined)
    legs.push(
      MEETINGS.has(lastapp)
        ? { ...bare(times, dstchannel, other), kind: CONFERENCES.has(lastapp) ? "joined" : "rest" }
        : dialledLeg(
            fields,
            at,
            times,
            { channel, dstchannel, trunk: other, lastapp, isThrough: own !== undefined },
            notes,
          ),
    );
  return legs;
};

const bare = ({ startMs }: Instants, channel: string, trunk: string): Leg =>
  legOf({ key: ownText(channel), trunk, startMs });

/** Click to call that dials the trunk first: the channel has no dialling one, and its dialplan noted that the call goes out. */
const originated = (notes: ReadonlyArray<Note>): Note | undefined =>
  notes.some(({ side }) => side === "received") ? undefined : notes.findLast(({ called }) => called !== undefined);

const begunLeg = (
  fields: ReadonlyArray<string>,
  at: AsteriskLayout,
  times: Instants,
  channel: string,
  note: Note,
): Leg => ({
  ...bare(times, channel, note.trunk ?? ""),
  side: "sent",
  sequence: secondsOf(textAt(fields, at.sequence)),
  answerMs: answerOf(note, times),
  endMs: times.endMs,
  calling: note.calling === undefined ? undefined : { text: ownText(note.calling), source: "callerFromPbx" },
  called: { text: ownText(note.called!), source: "toTrunk" },
});

/** The trunk stands in `channel`: it came in, unless another channel made it before. */
const ownLeg = (
  fields: ReadonlyArray<string>,
  at: AsteriskLayout,
  times: Instants,
  channel: string,
  trunk: string,
  notes: ReadonlyArray<Note>,
): Leg => {
  const note = notes.findLast(({ side }) => side === "received");
  const [id, linked] = [textAt(fields, at.uniqueid), textAt(fields, at.linkedid)];
  const birthMs = birthOf(id);
  const isRest =
    note === undefined &&
    ((textAt(fields, at.dst) === "" && textAt(fields, at.lastapp).startsWith("AppDial")) ||
      (linked !== "" && id !== "" && linked !== id && birthMs !== undefined && times.startMs - birthMs >= REST_MS));
  return {
    ...bare(times, channel, note?.trunk ?? trunk),
    side: "received",
    sequence: secondsOf(textAt(fields, at.sequence)),
    answerMs: answerOf(note, times),
    endMs: times.endMs,
    calling: { text: ownText(note?.calling ?? textAt(fields, at.src)), source: "callerFromTrunk" },
    called: { text: ownText(note?.called ?? textAt(fields, at.dst)), source: "calledFromTrunk" },
    ...(isRest ? { kind: "rest" } : {}),
  };
};
const REST_MS = 2_000;

interface Dialled {
  readonly channel: string;
  readonly dstchannel: string;
  readonly trunk: string;
  readonly lastapp: string;
  /** The dialling channel is a trunk's. */
  readonly isThrough: boolean;
}

const dialledLeg = (
  fields: ReadonlyArray<string>,
  at: AsteriskLayout,
  times: Instants,
  { channel, dstchannel, trunk, lastapp, isThrough }: Dialled,
  notes: ReadonlyArray<Note>,
): Leg => {
  const note = notes.findLast(({ side }) => side === "sent");
  const shown = note?.calling ?? textAt(fields, at.src);
  return {
    ...bare(times, dstchannel, note?.trunk ?? trunk),
    key: ownText(channelBase(dstchannel) === dstchannel ? `${dstchannel} ${textAt(fields, at.uniqueid)}` : dstchannel),
    side: "sent",
    sequence: secondsOf(textAt(fields, at.sequence)),
    answerMs: answerOf(note, times),
    endMs: times.endMs,
    calling: { text: ownText(shown), source: "callerFromPbx" },
    called:
      note?.called === undefined
        ? sentNumber(fields, at, dstchannel, lastapp)
        : { text: ownText(note.called), source: "toTrunk" },
    from: { channel: ownText(channel), isTrunk: isThrough },
  };
};

/** Where the columns have no lastdata, what was dialled has to do. */
const sentNumber = (
  fields: ReadonlyArray<string>,
  at: AsteriskLayout,
  channel: string,
  lastapp: string,
): NumberText | undefined => {
  if (at.lastdata < 0) return { text: ownText(textAt(fields, at.dst)), source: "dialled" };
  if (lastapp !== "Dial" && lastapp !== "RetryDial") return undefined;
  const text = dialledIn(textAt(fields, at.lastdata), channel);
  return text === undefined ? undefined : { text: ownText(text), source: "toTrunk" };
};

const answerOf = (note: Note | undefined, { answerMs, endMs }: Instants): number | undefined => {
  const noted = note?.answer === undefined ? undefined : epochMsOf(note.answer);
  return noted !== undefined && noted <= endMs ? noted : answerMs;
};

/** A row without channels, or in a file of which no trunk is known. */
const legByNumbers = (fields: ReadonlyArray<string>, at: AsteriskLayout, times: Instants): Leg => {
  const id = textAt(fields, at.linkedid) || textAt(fields, at.uniqueid);
  const [src, dst] = [ownText(textAt(fields, at.src)), ownText(textAt(fields, at.dst))];
  return {
    ...bare(times, "", ""),
    key: ownText(id) || `${src} ${dst} ${times.startMs} ${times.endMs}`,
    party: ownText(textAt(fields, at.uniqueid)),
    trunk: undefined,
    sequence: secondsOf(textAt(fields, at.sequence)),
    answerMs: times.answerMs,
    endMs: times.endMs,
    calling: { text: src, source: "callerFromTrunk" },
    called: { text: dst, source: "dialled" },
  };
};

const LOCAL = /^Local\/(.*);([12])$/;
/** Who made each Local channel of the row: the second half dials on, the first half is dialled, or begins a call by itself. */
const bridgesOf = (fields: ReadonlyArray<string>, at: AsteriskLayout, trunkOf: TrunkOf): ReadonlyArray<Bridge> => {
  const [channel, dstchannel] = [textAt(fields, at.channel), textAt(fields, at.dstchannel)];
  if (!channel.startsWith("Local/") && !dstchannel.startsWith("Local/")) return NO_BRIDGES;
  const [own, other] = [LOCAL.exec(channel), LOCAL.exec(dstchannel)];
  const bridges: Array<Bridge> = [];
  if (own?.[2] === "1") bridges.push({ name: ownText(own[1]!), from: undefined, isTrunk: false });
  if (other?.[2] === "1")
    bridges.push({ name: ownText(other[1]!), from: ownText(channel), isTrunk: trunkOf(channel) !== undefined });
  return bridges;
};
/** `Local/…;2`: the bridge that it is a half of. */
export const bridgeOf = (channel: string): string | undefined => LOCAL.exec(channel)?.[1];
