/**
 * A machine of ours as an entity of Effect's cluster: each VAP request is an entity, found by its name wherever it runs.
 *
 *   client --Ask--> entity: machine in a fiber of its own --> outcome        client --Lost--> the same entity's mailbox
 *
 * In memory here; with storage and sockets of effect/cluster the same entity moves between processes. A message that is
 * persisted wants `ClusterSchema.Uninterruptible`, and a machine that is to outlive its process its snapshot (docs/embedding.md).
 */
import process from "node:process";
import { Deferred, Effect, Fiber, Layer, Schema } from "effect";
import { Entity, TestRunner } from "effect/cluster";
import { Rpc } from "effect/rpc";
import { drive, mailbox } from "vipr/kit";
import { vapTransaction } from "vipr/machines/vap";

const EVENTS_MAX = 16;
const Ask = Rpc.make("Ask", { payload: { timeoutMs: Schema.Int }, success: Schema.String });
const Lost = Rpc.make("Lost", { payload: { why: Schema.String }, success: Schema.Void });
const VapRequest = Entity.make("VapRequest", [Ask, Lost]);

const request = { method: "unregister", class: "request", attributes: [] };

const entity = VapRequest.toLayer(
  Effect.gen(function* () {
    const box = yield* mailbox(EVENTS_MAX);
    const outcome = yield* Deferred.make();
    const perform = (order) => {
      if (order.type === "startTimer")
        return box.startTimer(order.timer, order.ms, { type: "timerFired", timer: order.timer });
      if (order.type === "stopTimer") return box.stopTimer(order.timer);
      if (order.type === "report") return Deferred.succeed(outcome, order.outcome.type);
      return Effect.void; // "send": to the server, over whatever the process has
    };
    const scope = yield* Effect.scope;
    return VapRequest.of({
      Ask: ({ payload: { timeoutMs } }) =>
        Effect.gen(function* () {
          const input = { request, transactionId: crypto.getRandomValues(new Uint8Array(12)), timeoutMs };
          yield* Effect.forkIn(drive(vapTransaction, input, box, perform), scope);
          return yield* Deferred.await(outcome);
        }),
      Lost: ({ payload: { why } }) => box.tell({ type: "lost", why }),
    });
  }),
  { concurrency: "unbounded" }, // Lost must not wait for Ask
);

const program = Effect.gen(function* () {
  const client = yield* VapRequest.client;
  const patient = yield* Effect.forkChild(client("one").Ask({ timeoutMs: 60_000 }));
  console.log("two:", yield* client("two").Ask({ timeoutMs: 20 }));
  yield* client("one").Lost({ why: "the server went away" });
  console.log("one:", yield* Fiber.join(patient));
});
await Effect.runPromise(program.pipe(Effect.provide(Layer.provideMerge(entity, TestRunner.layer)), Effect.scoped));
process.exit(0); // the cluster polls on
// prints: two: timedOut
// prints: one: lost
