/** Why something in a record file gives no call record: a word for scripts, and a sentence of each for people. */
import { NUMBER_REASONS, type NumberReason, reasonText } from "../../codecs/numbers/mod.ts";
import type { AsideReason } from "./intake.ts";

const SENTENCES: Readonly<Record<AsideReason, string>> = {
  badLine: "the line cannot be read",
  noTrunk: "no channel of the row is a trunk's: a call within the exchange, or a part of one that other rows tell of",
  answerMissing: "the format does not have the time of the answer",
  clockUnset: "the clock of the machine that wrote it was not set",
  unanswered: "nobody answered",
  late: "the call was taken for complete before this row came",
  noBegin: "the row in which the call began is missing",
  conference: "it was in a conference, whose end is not in the file",
  calledMissing: "the record does not have the number",
  calledNoNumber: "what stands for the called number is none of the telephone network",
  calledNotOurs: "the number that was called from outside is none of ours",
  betweenOurs: "both numbers are ours",
  stranger: "the caller is none of ours: a call that was forwarded",
  sideUnknown: "neither number is ours",
};

/** With the detail, where there is one. */
export const asideText = (reason: AsideReason, detail?: string): string => {
  if (detail === undefined) return SENTENCES[reason];
  const isNumber = (NUMBER_REASONS as ReadonlyArray<string>).includes(detail);
  return `${SENTENCES[reason]}: ${isNumber ? reasonText(detail as NumberReason) : detail}`;
};
