/** Hosts the ticket checker beside a border element: brings it the epochs' keys and the hour. */
import { Clock, Deferred, Effect } from "effect";
import {
  type Presented,
  type TicketCheckerAction,
  type TicketCheckerEvent,
  type TicketVerdict,
  ticketChecker,
} from "../../machines/ticket/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import { epochKey, type TicketSecret } from "./key.ts";

export interface TicketChecker {
  readonly check: (shown: Omit<Presented, "atMs">) => Effect.Effect<TicketVerdict>;
  /** Another epoch's tickets are taken as well. */
  readonly accept: (secret: TicketSecret) => Effect.Effect<void>;
  /** That epoch's tickets are refused from now on. */
  readonly voidEpoch: (epoch: number) => Effect.Effect<void>;
}

export const openTicketChecker = Effect.fn("ticket.checker")(function* (secrets: ReadonlyArray<TicketSecret>) {
  const derive = yield* epochKey;
  const box = yield* mailbox<TicketCheckerEvent>(64);
  const waiting = new Map<string, Deferred.Deferred<TicketVerdict>>();
  let asked = 0;

  const perform = (action: TicketCheckerAction): Effect.Effect<void> => {
    switch (action.type) {
      case "verdict": {
        const to = waiting.get(action.id);
        waiting.delete(action.id);
        return to === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(to, action.verdict));
      }
      case "note":
        return Effect.logDebug("ticket.unexpected", action.unexpected);
    }
  };
  yield* Effect.forkScoped(drive(ticketChecker, {}, box, perform));

  const accept: TicketChecker["accept"] = (secret) =>
    Effect.flatMap(derive(secret), (key) => box.tell({ type: "epochKnown", epoch: secret.epoch, key }));
  yield* Effect.forEach(secrets, accept, { discard: true });

  const check: TicketChecker["check"] = Effect.fn("ticket.check")(function* (shown: Omit<Presented, "atMs">) {
    const id = String(asked++);
    const to = yield* Deferred.make<TicketVerdict>();
    waiting.set(id, to);
    yield* box.tell({ type: "presented", id, ...shown, atMs: yield* Clock.currentTimeMillis });
    return yield* Deferred.await(to);
  });
  const voidEpoch: TicketChecker["voidEpoch"] = (epoch) => box.tell({ type: "epochVoided", epoch });
  return { check, accept, voidEpoch } satisfies TicketChecker as TicketChecker;
});
