/**
 * A machine of ours in nact: an actor whose state is the snapshot, and whose mailbox is nact's.
 *
 *   dispatch(actor, event) --> step --> orders: timers dispatch to the actor itself, the outcome to whoever asked
 */
import nact from "nact";
import { vapTransaction } from "vipr/machines/vap";

const { dispatch, spawn, spawnStateless, start, stop } = nact;

/** `machine` in an actor; `perform(order, context)` for what is no timer. Gives the actor. */
const spawnMachine = (parent, machine, input, perform) => {
  const timers = new Map();
  const obey = ({ snapshot, actions }, context) => {
    for (const order of actions) {
      if (order.type === "startTimer" || order.type === "stopTimer") clearTimeout(timers.get(order.timer));
      if (order.type === "startTimer") {
        const fired = { type: "timerFired", timer: order.timer, atMs: Date.now() };
        timers.set(
          order.timer,
          setTimeout(() => dispatch(context.self, fired), order.ms),
        );
      } else if (order.type !== "stopTimer") perform(order, context);
    }
    if (machine.isDone(snapshot)) stop(context.self);
    return snapshot;
  };
  const behaviour = (snapshot, event, context) =>
    obey(event === BEGIN ? machine.start(input) : machine.step(snapshot, event), context);
  const actor = spawn(parent, behaviour);
  dispatch(actor, BEGIN);
  return actor;
};
const BEGIN = { type: "(begin)" };

const system = start();
const results = spawnStateless(system, (outcome) => {
  console.log("report", outcome.type);
  stop(system);
});
const request = { method: "unregister", class: "request", attributes: [] };
const input = { request, transactionId: crypto.getRandomValues(new Uint8Array(12)), timeoutMs: 50 };
spawnMachine(system, vapTransaction, input, (order) => {
  if (order.type === "send") console.log("send", order.content.method);
  if (order.type === "report") dispatch(results, order.outcome);
});
// prints: send unregister
// prints: report timedOut
