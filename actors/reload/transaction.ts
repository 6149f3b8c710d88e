/** Hosts one request: sends it, sends it again, and waits for its answer. One fiber, that of who asks. */
import { Effect } from "effect";
import {
  type ReloadOutcome,
  type ReloadTransactionAction,
  type ReloadTransactionEvent,
  type ReloadTransactionInput,
  reloadTransaction,
} from "../../machines/reload/mod.ts";
import { drive, mailbox, type OwnOrder, performing } from "../kit/mod.ts";

/** Answers beyond the first are of no use. */
const EVENTS_MAX = 4;

/**
 * `listen` is given the way to tell an answer, and stops listening with its scope; `send` sends the message once more
 * and never waits for the network.
 */
export const requestOnce = Effect.fn("reload.request")(function* <R>(
  input: ReloadTransactionInput,
  listen: (tell: (event: ReloadTransactionEvent) => Effect.Effect<void>) => void,
  send: Effect.Effect<void, never, R>,
): Effect.fn.Return<ReloadOutcome, never, R> {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const box = yield* mailbox<ReloadTransactionEvent>(EVENTS_MAX);
      let outcome: ReloadOutcome = { type: "timedOut" };
      let told = false;
      listen((event) =>
        Effect.suspend(() => {
          if (told) return Effect.void;
          told = true;
          return box.tell(event);
        }),
      );
      const perform = (action: OwnOrder<ReloadTransactionAction>): Effect.Effect<void, never, R> => {
        switch (action.type) {
          case "send":
            return send;
          case "report":
            return Effect.sync(() => {
              outcome = action.outcome;
            });
        }
      };
      yield* drive(
        reloadTransaction,
        input,
        box,
        performing(box, { unexpected: "reload.request.unexpected" }, perform),
      );
      return outcome;
    }),
  );
});
