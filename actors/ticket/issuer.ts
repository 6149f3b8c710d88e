/**
 * The ticket issuer beside a ViPR server: brings the epoch's key and the time to each question.
 *
 *   issue --> Clock, the epoch's key --> grantTicket --> the ticket, or TicketRefused
 */
import { Clock, Data, Effect } from "effect";
import type { E164, NodeId, VServiceId } from "../../codecs/shared/mod.ts";
import { type EpochKey, grantTicket, type TicketRefusal } from "../../machines/ticket/mod.ts";
import { epochKey, type TicketSecret } from "./key.ts";

export interface TicketIssuerOptions {
  readonly grantingNode: NodeId;
  /** Our domain: lower case, A-labels. */
  readonly grantingDomain: string;
  readonly secret: TicketSecret;
  /** Default TICKET_LIFETIME_MS. */
  readonly lifetimeMs?: number;
}

/** 60 days, a quarter of which may be over at the grant. docs/protocol/ticket.md#one-grant-one-ticket. */
export const TICKET_LIFETIME_MS = 60 * 24 * 3_600_000;

export class TicketRefused extends Data.TaggedError("TicketRefused")<{ readonly why: TicketRefusal }> {}

export interface TicketFor {
  readonly number: E164;
  readonly grantedTo: string;
  readonly vservice: VServiceId;
}

export interface TicketIssuer {
  /** The ticket in its text form; the same one again for a quarter of its lifetime. */
  readonly issue: (wanted: TicketFor) => Effect.Effect<string, TicketRefused>;
  /** From now on tickets are of this epoch. */
  readonly raise: (secret: TicketSecret) => Effect.Effect<void>;
}

export const openTicketIssuer = Effect.fn("ticket.issuer")(function* (options: TicketIssuerOptions) {
  const derive = yield* epochKey;
  const keyOf = (secret: TicketSecret) => Effect.map(derive(secret), (key): EpochKey => ({ epoch: secret.epoch, key }));
  let current = yield* keyOf(options.secret);
  const { grantingNode, grantingDomain, lifetimeMs = TICKET_LIFETIME_MS } = options;
  const input = { grantingNode, grantingDomain, lifetimeMs };

  const issue: TicketIssuer["issue"] = Effect.fn("ticket.issue")(function* (wanted: TicketFor) {
    const minted = grantTicket(input, current, { ...wanted, atMs: yield* Clock.currentTimeMillis });
    return minted.type === "granted" ? minted.ticket : yield* new TicketRefused({ why: minted.why });
  });
  const raise: TicketIssuer["raise"] = (secret) =>
    Effect.map(keyOf(secret), (next) => {
      current = next;
    });
  return { issue, raise } satisfies TicketIssuer as TicketIssuer;
});
