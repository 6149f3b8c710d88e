/** What a border element knows of tickets: the keys of the epochs that it takes. The check itself is a function. */
import { Clock, Effect } from "effect";
import {
  checkTicket,
  type EpochSeal,
  type Presented,
  type TicketVerdict,
  withEpoch,
  withoutEpoch,
} from "../../machines/ticket/mod.ts";
import { Seals } from "../ports/mod.ts";
import { epochKey, type TicketSecret } from "./key.ts";

export interface TicketChecker {
  /** Those whose tickets are taken now, newest last. */
  readonly epochs: () => ReadonlyArray<EpochSeal>;
  readonly check: (shown: Omit<Presented, "atMs">) => Effect.Effect<TicketVerdict>;
  /** Another epoch's tickets are taken as well. */
  readonly accept: (secret: TicketSecret) => Effect.Effect<void>;
  /** That epoch's tickets are refused from now on. */
  readonly voidEpoch: (epoch: number) => Effect.Effect<void>;
}

export const openTicketChecker = Effect.fn("ticket.checker")(function* (secrets: ReadonlyArray<TicketSecret>) {
  const derive = yield* epochKey;
  const makeSeal = yield* Seals;
  let epochs: ReadonlyArray<EpochSeal> = [];
  const accept: TicketChecker["accept"] = (secret) =>
    Effect.map(derive(secret), (key) => {
      epochs = withEpoch(epochs, { epoch: secret.epoch, seal: makeSeal(key) });
    });
  yield* Effect.forEach(secrets, accept, { discard: true });
  const voidEpoch: TicketChecker["voidEpoch"] = (epoch) =>
    Effect.sync(() => {
      epochs = withoutEpoch(epochs, epoch);
    });
  const check: TicketChecker["check"] = (shown) =>
    Effect.map(Clock.currentTimeMillis, (atMs) => checkTicket(epochs, { ...shown, atMs }));
  return { epochs: () => epochs, check, accept, voidEpoch } satisfies TicketChecker as TicketChecker;
});
