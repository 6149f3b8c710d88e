/**
 * A machine of ours in nact: an actor whose state is the snapshot, and whose mailbox is nact's.
 *
 *   tell(event) --> dispatch --> step --> orders: timers tell the actor itself, the outcome goes to whoever asked
 *
 * nact's mailbox has no limit: events that are not yet taken are counted, and refused beyond EVENTS_MAX.
 */
import nact from "nact";
import { vapTransaction } from "vipr/machines/vap";

const { dispatch, spawn, spawnStateless, start, stop } = nact;

const EVENTS_MAX = 100;

/** `machine` in an actor; `perform(order, tell)` for what is no timer. Gives `tell`, which is false for a full mailbox. */
const spawnMachine = (parent, machine, input, perform) => {
  const timers = new Map();
  let waiting = 0;
  const tell = (event) => {
    if (waiting === EVENTS_MAX) return false;
    waiting += 1;
    dispatch(actor, event);
    return true;
  };
  const startTimer = ({ timer, ms }) => {
    const fire = () => tell({ type: "timerFired", timer, atMs: Date.now() });
    timers.set(timer, setTimeout(fire, ms));
  };
  const obey = ({ snapshot, actions }) => {
    for (const order of actions) {
      if (order.type === "startTimer" || order.type === "stopTimer") clearTimeout(timers.get(order.timer));
      if (order.type === "startTimer") startTimer(order);
      else if (order.type !== "stopTimer") perform(order, tell);
    }
    if (machine.isDone(snapshot)) stop(actor);
    return snapshot;
  };
  const behaviour = (snapshot, event) => {
    waiting -= 1;
    return obey(event === BEGIN ? machine.start(input) : machine.step(snapshot, event));
  };
  const afterStop = () => {
    for (const timer of timers.values()) clearTimeout(timer); // it may have been stopped by nact, when `perform` threw
  };
  const actor = spawn(parent, behaviour, undefined, { afterStop });
  tell(BEGIN);
  return tell;
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
