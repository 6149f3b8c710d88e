/**
 * Says whether a ticket lets this call in. docs/protocol/ticket.md#the-check; ViPR overview §6.3.
 *
 *   present -> well-formed -> epoch known -> integrity -> validity -> number -> domain -> admit
 *      |           |              |             |            |          |         |
 *   missing    malformed   unknownEpoch   badIntegrity   expired   wrongNumber  wrongDomain
 *                                                      notYetValid
 *
 * The first reason that fails is the one named. Tickets of former epochs stay good until they expire or their epoch is
 * voided: a change of password must not cut every call.
 */
import { setup } from "xstate";
import { type E164, equalSecrets, hexOf, msFromNtp } from "../../codecs/shared/mod.ts";
import { readTicket } from "../../codecs/ticket/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";
import { sealOf } from "./seal.ts";

export interface TicketCheckerInput {
  /** How far clocks may differ, either side. Default VALIDITY_SLACK_MS. */
  readonly slackMs?: number;
}

export type TicketCheckerEvent =
  | { readonly type: "epochKnown"; readonly epoch: number; readonly key: Uint8Array }
  | { readonly type: "epochVoided"; readonly epoch: number }
  | ({ readonly type: "presented"; readonly id: string } & Presented);

/** A call at the door. */
export interface Presented {
  /** The header field's text, if there was one. */
  readonly ticket: string | undefined;
  /** The Request-URI's number, if it had one. */
  readonly number: E164 | undefined;
  /** The domains that the TLS peer's certificate proves, lower case. */
  readonly domains: ReadonlyArray<string>;
  readonly atMs: number;
}

export type TicketCheckerAction =
  | { readonly type: "verdict"; readonly id: string; readonly verdict: TicketVerdict }
  | { readonly type: "note"; readonly unexpected: string };

export type TicketVerdict =
  | { readonly type: "admit"; readonly ticketId: string; readonly domain: string }
  | { readonly type: "refuse"; readonly why: TicketFault };

export type TicketFault =
  | "missing"
  | "malformed"
  | "unknownEpoch"
  | "badIntegrity"
  | "notYetValid"
  | "expired"
  | "wrongNumber"
  | "wrongDomain";

export interface EpochKey {
  readonly epoch: number;
  readonly key: Uint8Array;
}

export const VALIDITY_SLACK_MS = 60_000;
/** Epochs whose tickets are still taken; the one learned first goes first. */
export const EPOCHS_MAX = 8;

interface Context {
  readonly slackMs: number;
  readonly epochs: ReadonlyArray<EpochKey>;
}

export const ticketChecker = machineOf<TicketCheckerAction>()(
  setup({
    types: { input: {} as TicketCheckerInput, context: {} as Context, events: {} as TicketCheckerEvent },
    actions: declared<TicketCheckerAction>({ verdict: true, note: true }),
  }).createMachine({
    id: "ticketChecker",
    context: ({ input }) => ({ slackMs: input.slackMs ?? VALIDITY_SLACK_MS, epochs: [] }),
    initial: "watching",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      watching: {
        on: {
          epochKnown: {
            actions: decide((context: Context, { epoch, key }: EpochKey) => ({
              context: { epochs: [...without(context.epochs, epoch), { epoch, key }].slice(-EPOCHS_MAX) },
            })),
          },
          epochVoided: {
            actions: decide((context: Context, { epoch }: EpochKey) => ({
              context: { epochs: without(context.epochs, epoch) },
            })),
          },
          presented: {
            actions: {
              type: "verdict",
              params: ({ context, event }) => ({
                id: event.id,
                verdict: checkTicket(context.epochs, event, context.slackMs),
              }),
            },
          },
        },
      },
    },
  }),
);

/** The whole check, as a function of what is known and what is shown. */
export const checkTicket = (
  epochs: ReadonlyArray<EpochKey>,
  { ticket: text, number, domains, atMs }: Presented,
  slackMs: number = VALIDITY_SLACK_MS,
): TicketVerdict => {
  if (text === undefined) return refuse("missing");
  const read = readTicket(text);
  if (!read.ok) return refuse("malformed");
  const { ticket, covered } = read;
  const known = epochs.find(({ epoch }) => epoch === ticket.epoch);
  if (known === undefined) return refuse("unknownEpoch");
  if (!equalSecrets(sealOf(known.key, covered), ticket.integrity)) return refuse("badIntegrity");
  if (atMs + slackMs < msFromNtp(ticket.validity.notBefore)) return refuse("notYetValid");
  if (atMs - slackMs > msFromNtp(ticket.validity.notAfter)) return refuse("expired");
  if (number !== ticket.number) return refuse("wrongNumber");
  if (!domains.includes(ticket.grantedTo)) return refuse("wrongDomain");
  return { type: "admit", ticketId: hexOf(ticket.id), domain: ticket.grantedTo };
};

const refuse = (why: TicketFault): TicketVerdict => ({ type: "refuse", why });

const without = (epochs: ReadonlyArray<EpochKey>, epoch: number) => epochs.filter((known) => known.epoch !== epoch);
