/** What a search asks of each of its subjects, and how the messages are made that it is fed. */
import { cutSip, emptySipRemainder, parseSip, SIP_BYTES_MAX, type SipMessage } from "../../codecs/sip/mod.ts";
import type { Chance } from "../kit/chance.ts";
import { type Change, KINDS, mutated } from "../kit/changes.ts";
import { tortures } from "../sip/torture.ts";

export interface Subject {
  readonly name: string;
  /** Takes one message, made by chance; throws where a law is broken. */
  readonly step: (chance: Chance) => void;
  /** Everything that was under way comes to its end: throws where anything is left. */
  readonly settle: () => void;
  /** What the last step was fed with. */
  readonly last: () => Uint8Array;
  /** What came of it, by name. */
  readonly counts: () => Readonly<Record<string, number>>;
}

/** At most so many changes a message. */
const CHANGES_MAX = 6;

export const changesBy = (chance: Chance, most = CHANGES_MAX): ReadonlyArray<Change> =>
  Array.from({ length: chance.below(2) === 0 ? 1 : chance.below(most + 1) }, () => ({
    kind: chance.of(KINDS),
    at: chance.next(),
    size: chance.next(),
    to: chance.next(),
  }));

/** One of the documents' messages, changed. */
export const tortureBy = (chance: Chance): Uint8Array => mutated(chance.of(tortures), changesBy(chance), tortures);

export const lightly = (bytes: Uint8Array, chance: Chance): Uint8Array =>
  chance.below(2) === 0 ? bytes : mutated(bytes, changesBy(chance, 2), tortures);

/**
 * What a core has sent, read again: it must be one whole message. A refusal of what could not be read says again what that
 * said, and need only end where it says that it ends.
 */
export const sentAs = (bytes: Uint8Array): SipMessage | undefined => {
  const read = parseSip(bytes);
  if (read.ok) return read.value;
  const text = new TextDecoder().decode(bytes);
  const { unreadable, error, rest } = cutSip(emptySipRemainder, bytes, SIP_BYTES_MAX);
  const isRefusal = /^SIP\/2\.0 (?:400|505) /.test(text);
  if (isRefusal && error === undefined && unreadable.length === 1 && rest.from === rest.to) return undefined;
  throw new Error(`sent no SIP: ${read.error.at} ${read.error.why}\n${text}`);
};
