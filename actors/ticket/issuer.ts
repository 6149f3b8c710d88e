/**
 * Hosts the ticket issuer beside a ViPR server: brings it the epoch's key, random bytes and the hour.
 *
 *   issue --> Entropy, Clock --> asked --> step --> grant | refuse --> the one who asked
 */
import { Clock, Data, Deferred, Effect } from "effect";
import type { E164 } from "../../codecs/shared/mod.ts";
import {
  type TicketIssuerAction,
  type TicketIssuerEvent,
  type TicketRefusal,
  ticketIssuer,
} from "../../machines/ticket/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import { Entropy } from "../ports/mod.ts";
import { epochKey, type TicketSecret } from "./key.ts";

export interface TicketIssuerOptions {
  readonly grantingNode: bigint;
  /** Our domain: lower case, A-labels. */
  readonly grantingDomain: string;
  readonly secret: TicketSecret;
  /** Default TICKET_LIFETIME_MS. */
  readonly lifetimeMs?: number;
}

/** 60 days. docs/protocol/ticket.md#layout. */
export const TICKET_LIFETIME_MS = 60 * 24 * 3_600_000;

export class TicketRefused extends Data.TaggedError("TicketRefused")<{ readonly why: TicketRefusal }> {}

export interface TicketFor {
  readonly number: E164;
  readonly grantedTo: string;
  readonly vservice: bigint;
}

export interface TicketIssuer {
  /** The ticket in its text form. */
  readonly issue: (wanted: TicketFor) => Effect.Effect<string, TicketRefused>;
  /** From now on tickets are of this epoch. */
  readonly raise: (secret: TicketSecret) => Effect.Effect<void>;
}

export const openTicketIssuer = Effect.fn("ticket.issuer")(function* (options: TicketIssuerOptions) {
  const entropy = yield* Entropy;
  const derive = yield* epochKey;
  const box = yield* mailbox<TicketIssuerEvent>(64);
  const waiting = new Map<string, Deferred.Deferred<string, TicketRefused>>();
  let asked = 0;

  const answer = (id: string, give: (to: Deferred.Deferred<string, TicketRefused>) => Effect.Effect<unknown>) =>
    Effect.suspend(() => {
      const to = waiting.get(id);
      waiting.delete(id);
      return to === undefined ? Effect.void : Effect.asVoid(give(to));
    });
  const perform = (action: TicketIssuerAction): Effect.Effect<void> => {
    switch (action.type) {
      case "grant":
        return answer(action.id, (to) => Deferred.succeed(to, action.ticket));
      case "refuse":
        return answer(action.id, (to) => Deferred.fail(to, new TicketRefused({ why: action.why })));
      case "note":
        return Effect.logDebug("ticket.unexpected", action.unexpected);
    }
  };
  const { grantingNode, grantingDomain, lifetimeMs = TICKET_LIFETIME_MS } = options;
  yield* Effect.forkScoped(drive(ticketIssuer, { grantingNode, grantingDomain, lifetimeMs }, box, perform));

  const raise: TicketIssuer["raise"] = (secret) =>
    Effect.flatMap(derive(secret), (key) => box.tell({ type: "epochKnown", epoch: secret.epoch, key }));
  yield* raise(options.secret);

  const issue: TicketIssuer["issue"] = Effect.fn("ticket.issue")(function* (wanted: TicketFor) {
    const id = String(asked++);
    const to = yield* Deferred.make<string, TicketRefused>();
    waiting.set(id, to);
    const random = yield* entropy.bytes(32);
    yield* box.tell({ type: "asked", id, ...wanted, random, atMs: yield* Clock.currentTimeMillis });
    return yield* Deferred.await(to);
  });
  return { issue, raise } satisfies TicketIssuer as TicketIssuer;
});
