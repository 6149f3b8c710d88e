/**
 * Says whether a ticket lets this call in. docs/protocol/ticket.md#the-check; ViPR overview §6.3. Functions only: the
 * check waits for nothing.
 *
 *   present -> well-formed -> epoch known -> integrity -> validity -> number -> domain -> admit
 *      |           |              |             |            |          |         |
 *   missing    malformed   unknownEpoch   badIntegrity   expired   wrongNumber  wrongDomain
 *                                                      notYetValid
 *
 * The first reason that fails is the one named. Tickets of former epochs stay good until they expire or their epoch is
 * voided: a change of password must not cut every call.
 * Requirements: ViPR overview §4.
 */
import { type E164, equalSecrets, hexOf, msFromNtp } from "../../codecs/shared/mod.ts";
import { readTicket } from "../../codecs/ticket/mod.ts";
import type { Seal } from "./seal.ts";

/** A call at the door. */
export interface Presented {
  /** The header field's text, if there was one. */
  readonly ticket: string | undefined;
  /** The Request-URI's number, if it had one. */
  readonly number: E164 | undefined;
  /** The domains that the TLS peer's certificate proves, lower case. */
  readonly domains: ReadonlyArray<string>;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** Whether a call is let in; `domain`: the caller's, as its certificate proves it. */
export type TicketVerdict =
  | { readonly type: "admit"; readonly ticketId: string; readonly domain: string }
  | { readonly type: "refuse"; readonly why: TicketFault };

/** Why a call is not let in, the first reason that fails. docs/protocol/ticket.md#the-check. */
export type TicketFault =
  | "missing"
  | "malformed"
  | "unknownEpoch"
  | "badIntegrity"
  | "notYetValid"
  | "expired"
  | "wrongNumber"
  | "wrongDomain";

/** An epoch's key, 32 bytes. */
export interface EpochKey {
  /** 1 to 255. */
  readonly epoch: number;
  readonly key: Uint8Array;
}

/** An epoch's number, and its key made ready to seal with. */
export interface EpochSeal {
  /** 1 to 255. */
  readonly epoch: number;
  readonly seal: Seal;
}

/** How far two clocks may differ, unless the caller of the check says otherwise. */
export const VALIDITY_SLACK_MS = 60_000;
/** Epochs whose tickets are still taken; the one learned first goes first. */
export const EPOCHS_MAX = 8;

/** With this epoch as the newest; a key that its number had before is replaced. */
export const withEpoch = (epochs: ReadonlyArray<EpochSeal>, added: EpochSeal): ReadonlyArray<EpochSeal> =>
  [...withoutEpoch(epochs, added.epoch), added].slice(-EPOCHS_MAX);

/** Without this epoch: its tickets are refused from now on. */
export const withoutEpoch = (epochs: ReadonlyArray<EpochSeal>, voided: number): ReadonlyArray<EpochSeal> =>
  epochs.filter(({ epoch }) => epoch !== voided);

/** The whole check. `slackMs`: how far clocks may differ, either side. */
export const checkTicket = (
  epochs: ReadonlyArray<EpochSeal>,
  { ticket: text, number, domains, atMs }: Presented,
  slackMs: number = VALIDITY_SLACK_MS,
): TicketVerdict => {
  if (text === undefined) return refuse("missing");
  const read = readTicket(text);
  if (!read.ok) return refuse("malformed");
  const { ticket, covered } = read;
  const known = epochs.find(({ epoch }) => epoch === ticket.epoch);
  if (known === undefined) return refuse("unknownEpoch");
  if (!equalSecrets(known.seal(covered), ticket.integrity)) return refuse("badIntegrity");
  if (atMs + slackMs < msFromNtp(ticket.validity.notBefore)) return refuse("notYetValid");
  if (atMs - slackMs > msFromNtp(ticket.validity.notAfter)) return refuse("expired");
  if (number !== ticket.number) return refuse("wrongNumber");
  if (!domains.includes(ticket.grantedTo)) return refuse("wrongDomain");
  return { type: "admit", ticketId: hexOf(ticket.id), domain: ticket.grantedTo };
};

const refuse = (why: TicketFault): TicketVerdict => ({ type: "refuse", why });
