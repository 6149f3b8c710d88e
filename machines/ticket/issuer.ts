/**
 * Mints tickets for other domains. docs/protocol/ticket.md#layout; ViPR overview §5.3.4.
 *
 *    o --> keyless -- epochKnown --> ready <--+ epochKnown: later tickets are of that epoch
 *             | asked: refuse           |-----+ asked: grant
 *
 * Randomness and the hour come with the question; the epoch's key comes from whoever derived it.
 */
import { setup } from "xstate";
import { type E164, isE164, ntpFromMs } from "../../codecs/shared/mod.ts";
import { isDomainName, writeTicket } from "../../codecs/ticket/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";
import { sealOf } from "./seal.ts";

export interface TicketIssuerInput {
  readonly grantingNode: bigint;
  readonly grantingDomain: string;
  readonly lifetimeMs: number;
}

export type TicketIssuerEvent =
  | { readonly type: "epochKnown"; readonly epoch: number; readonly key: Uint8Array }
  | ({ readonly type: "asked" } & TicketQuestion);

export interface TicketQuestion {
  readonly id: string;
  readonly number: E164;
  /** The domain that may call, as it was claimed and accepted. */
  readonly grantedTo: string;
  readonly vservice: bigint;
  /** 32 fresh bytes: the ticket's id and salt. */
  readonly random: Uint8Array;
  readonly atMs: number;
}

export type TicketIssuerAction =
  | { readonly type: "grant"; readonly id: string; readonly ticket: string }
  | { readonly type: "refuse"; readonly id: string; readonly why: TicketRefusal }
  | { readonly type: "note"; readonly unexpected: string };

export type TicketRefusal = "noKey" | "badNumber" | "badDomain";

interface Context extends TicketIssuerInput {
  /** 0: none yet. */
  readonly epoch: number;
  readonly key: Uint8Array;
}

export const ticketIssuer = machineOf<TicketIssuerAction>()(
  setup({
    types: { input: {} as TicketIssuerInput, context: {} as Context, events: {} as TicketIssuerEvent },
    actions: declared<TicketIssuerAction>({ grant: true, refuse: true, note: true }),
  }).createMachine({
    id: "ticketIssuer",
    context: ({ input }) => ({ ...input, epoch: 0, key: new Uint8Array() }),
    initial: "keyless",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      keyless: {
        on: {
          epochKnown: { target: "ready", actions: decide(learn) },
          asked: {
            actions: { type: "refuse", params: ({ event }) => ({ id: event.id, why: "noKey" as const }) },
          },
        },
      },
      ready: {
        on: {
          epochKnown: { actions: decide(learn) },
          asked: [
            {
              guard: ({ event }) => !isE164(event.number),
              actions: { type: "refuse", params: ({ event }) => ({ id: event.id, why: "badNumber" as const }) },
            },
            { guard: ({ event }) => isDomainName(event.grantedTo), actions: decide(grant) },
            { actions: { type: "refuse", params: ({ event }) => ({ id: event.id, why: "badDomain" as const }) } },
          ],
        },
      },
    },
  }),
);

type Known = Extract<TicketIssuerEvent, { readonly type: "epochKnown" }>;

function learn(_: Context, { epoch, key }: Known) {
  return { context: { epoch, key } };
}

function grant(context: Context, event: TicketQuestion) {
  const ticket = writeTicket(
    {
      id: uuidOf(event.random),
      salt: event.random.slice(16, 32),
      validity: { notBefore: ntpFromMs(event.atMs), notAfter: ntpFromMs(event.atMs + context.lifetimeMs) },
      number: event.number,
      grantingNode: context.grantingNode,
      grantingDomain: context.grantingDomain,
      grantedTo: event.grantedTo,
      epoch: context.epoch,
      vservice: event.vservice,
    },
    (covered) => sealOf(context.key, covered),
  );
  return { actions: [{ type: "grant" as const, id: event.id, ticket }] };
}

/** Version 4, variant 10. RFC 4122 §4.4. */
const uuidOf = (random: Uint8Array): Uint8Array => {
  const id = random.slice(0, 16);
  id[6] = (id[6]! & 0x0f) | 0x40;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id;
};
