/** Hosts one request: sends it, repeats it, and waits for its answer, all in the fiber of the caller. */
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
 * `listen` is called once, with the function that reports an answer; `send` sends the message once more and never waits for
 * the network.
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
      let isAnswered = false;
      listen((event) =>
        Effect.suspend(() => {
          if (isAnswered) return Effect.void;
          isAnswered = true;
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
