/**
 * What the destination of a packet makes of it, once its signature holds: how to answer, what is wrong with a request
 * whatever it asks, and whose word counts as an answer. RFC 6940 §6.2, §6.3.2, §6.3.3. Functions only.
 * Requirements: RFC 6940 §6.3.2.1, §6.3.2.3, §6.3.4, §14.12.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  type BodyOf,
  type Destination,
  type ErrorName,
  errorCode,
  type MessageContents,
  type MetaDataValue,
  messageCode,
  optionFlag,
  type Packet,
  sequenceAny,
} from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import type { ReplyTo } from "./peer-types.ts";
import type { RingView } from "./ring.ts";
import { mayAnswer, wayBack } from "./route.ts";
import type { CopyOutcome, ValueVersion } from "./storage-types.ts";
import type { ReloadOutcome } from "./transaction.ts";

const { forwardCritical, destinationCritical, responseCopy } = optionFlag;

/** An option flagged so is copied "except that the RESPONSE_COPY, FORWARD_CRITICAL, and DESTINATION_CRITICAL flags MUST be cleared". */
export const replyTo = (packet: Packet, from: NodeId): ReplyTo => ({
  transactionId: packet.transactionId,
  to: wayBack(packet, from),
  maxResponseLength: packet.maxResponseLength,
  options: packet.options
    .filter(({ flags }) => flags & responseCopy)
    .map((option) => ({ ...option, flags: option.flags & ~(forwardCritical | destinationCritical | responseCopy) })),
});

/** Why a request is refused before its body is read; undefined when it is not. */
export const refusalOf = (packet: Packet, contents: MessageContents, sequence: number): ErrorName | undefined => {
  const stale = staleness(packet.configurationSequence, sequence, contents.code);
  if (stale !== undefined) return stale;
  // None is defined yet, so none is known to us.
  if (packet.options.some(({ flags }) => flags & destinationCritical)) return "unsupportedForwardingOption";
  return contents.extensions.some(({ critical }) => critical) ? "unknownExtension" : undefined;
};

/** "greater than or less than are interpreted by modulo arithmetic as in TCP"; 65535 with a ConfigUpdate always passes. */
const staleness = (theirs: number, ours: number, code: number): ErrorName | undefined => {
  if (theirs === ours || (theirs === sequenceAny && code === messageCode.configUpdateReq)) return undefined;
  return (theirs - ours + SEQUENCES) % SEQUENCES < SEQUENCES / 2 ? "configTooNew" : "configTooOld";
};
const SEQUENCES = 65_535;

/** Whether an answer signed by that node ends the request: it comes from the destination, or is an error of a peer on the way. */
export const isBelieved = (
  view: RingView,
  destination: Destination,
  signer: NodeId,
  error: BodyOf<"error"> | undefined,
): boolean => mayAnswer(view, destination, signer) || (error !== undefined && ON_THE_WAY.has(error.code));

const ON_THE_WAY: ReadonlySet<number> = new Set([
  errorCode.ttlExceeded,
  errorCode.unsupportedForwardingOption,
  errorCode.incompatibleWithOverlay,
  errorCode.messageTooLarge,
]);

/** A message that was not forwarded was signed by the neighbour itself. */
export const isFromNeighbour = (packet: Packet): boolean => packet.viaList.length === 0;

/** How a copy of ours went, by the answer to its Store. */
export const copyOutcomeOf = (outcome: ReloadOutcome): CopyOutcome => {
  if (outcome.type === "answer") return "stored";
  if (outcome.type !== "refused") return "unanswered";
  const isOlder =
    outcome.error.code === errorCode.dataTooOld || outcome.error.code === errorCode.generationCounterTooLow;
  return isOlder ? "older" : "refused";
};

/** Which of these values a node has in our version or a later one, by its answer to a Stat. */
export const confirmedVersions = (
  outcome: ReloadOutcome,
  versions: ReadonlyArray<ValueVersion>,
): ReadonlyArray<ValueVersion> => {
  if (outcome.type !== "answer" || outcome.body.type !== "statAns") return [];
  const { kinds } = outcome.body.value;
  return versions.filter(({ kind, place, storageTime }) =>
    kinds.some(
      ({ kind: told, values }) =>
        told === kind &&
        !(values instanceof Uint8Array) &&
        values.some((value) => value.storageTime >= storageTime && placeOfMeta(value.metadata) === place),
    ),
  );
};

const placeOfMeta = (value: MetaDataValue): string =>
  "key" in value ? hexOf(value.key) : "index" in value ? String(value.index) : "";
