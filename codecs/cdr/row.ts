/**
 * What every reader makes of a row, whichever exchange wrote it: what it has to say of the telephone network's lines.
 *
 *   row --> legs: one for each trunk that the row speaks of; a part of a telephone call, from its begin or of its rest
 *
 * "One rule holds for all: the record is the trunk's leg, not the phone's." Legs with the same key are one telephone call.
 */
import type { NumberSource } from "../numbers/mod.ts";
import type { Place } from "./place.ts";

/** A text that may be a number, and what it stood for. */
export interface NumberText {
  readonly text: string;
  readonly source: NumberSource;
}

/** Undefined for an empty text. */
export const numberText = (text: string, source: NumberSource): NumberText | undefined =>
  text === "" ? undefined : { text, source };

/** The channel within the exchange that dialled another one. */
export interface Dialler {
  readonly channel: string;
  /** It is a trunk's: somebody who came in was put through. */
  readonly isTrunk: boolean;
}

/** What a row says of one trunk: a telephone call or a part of one. Times in ms since 1970. */
export interface Leg {
  /** The same in all rows of one telephone call, and in those of no other. */
  readonly key: string;
  /** The trunk's name in the configuration, where the row names a configured one. */
  readonly trunk: string | undefined;
  /** As seen from the company. Undefined: the row does not show it, the numbers decide. */
  readonly side: "received" | "sent" | undefined;
  /** When this part began; the earliest part shows the side and the numbers. */
  readonly startMs: number;
  /** Of parts that began in the same second, the order of their rows' making. */
  readonly sequence: number | undefined;
  /** Undefined: nobody answered, as far as this row knows. */
  readonly answerMs: number | undefined;
  readonly endMs: number | undefined;
  readonly calling: NumberText | undefined;
  readonly called: NumberText | undefined;
  /** The channel that dialled this one; of a received call undefined. */
  readonly from: Dialler | undefined;
  /** Where no trunk is known: whose row it is, the channel that stood first in it. */
  readonly party?: string;
  /**
   * `rest`: the part in which the call began is in another row, without which the call's side and number are not known.
   * `joined`: by a conference, which ends rows when others leave: where it was, the end of the call is not in the file.
   */
  readonly kind?: "rest" | "joined";
}

/** A channel that only carries a call on within the exchange (Asterisk's Local): who dialled it, or nobody. */
export interface Bridge {
  readonly name: string;
  readonly from: string | undefined;
  /** The dialling channel is a trunk's. */
  readonly isTrunk: boolean;
}

/** Why a row gives no leg. A word for scripts; `asideText` has the sentence. */
export type RowFault = "badLine" | "noTrunk" | "unanswered" | "answerMissing" | "clockUnset";

/** What a record gave: its legs, or why it has none. Times in ms since 1970. */
export interface CdrRow {
  readonly place: Place;
  readonly legs: ReadonlyArray<Leg>;
  readonly bridges: ReadonlyArray<Bridge>;
  /** Why there are no legs. */
  readonly fault: RowFault | undefined;
  /** For people, without any number: "answer is not a time". */
  readonly detail: string | undefined;
  /** The latest time of the row, by which the file has come so far. */
  readonly atMs: number | undefined;
}

/** A leg of which only these things are known. */
export const legOf = (known: Pick<Leg, "key" | "startMs"> & Partial<Leg>): Leg => ({
  trunk: undefined,
  side: undefined,
  sequence: undefined,
  answerMs: undefined,
  endMs: undefined,
  calling: undefined,
  called: undefined,
  from: undefined,
  ...known,
});

export const legRow = (place: Place, ...legs: ReadonlyArray<Leg>): CdrRow => ({
  place,
  legs,
  bridges: NO_BRIDGES,
  fault: undefined,
  detail: undefined,
  atMs: legs.reduce<number | undefined>(
    (latest, { endMs, startMs }) => Math.max(latest ?? 0, endMs ?? startMs),
    undefined,
  ),
});

/** A row that other rows will make something of, or a line that has nothing of calls. */
export const quietRow = (place: Place, atMs?: number): CdrRow => ({ ...legRow(place), atMs });

export const faultRow = (place: Place, fault: RowFault, detail?: string, atMs?: number): CdrRow => ({
  place,
  legs: NO_LEGS,
  bridges: NO_BRIDGES,
  fault,
  detail,
  atMs,
});

export const NO_LEGS: ReadonlyArray<Leg> = [];
export const NO_BRIDGES: ReadonlyArray<Bridge> = [];

/**
 * A copy of a text that is kept for longer: a slice of a large text holds on to all of it.
 */
export const ownText = (text: string): string => (text.length < SLICED_MIN ? text : [...text].join(""));
const SLICED_MIN = 13; // shorter ones are copied by all three engines
