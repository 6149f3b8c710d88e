/**
 * Machines of ours on a thread of their own: events go there, orders come back, each as one CBOR envelope.
 *
 *   main: sockets, timers --{ id, start | event }--> worker: machines by id --{ id, orders, isDone }--> main
 *
 * A port's queue has no limit, so that the mailboxes are main's: each machine gets its next event when the orders of the one before
 * have been performed. Records of cbor-x stay off: both ends would have to share their structures. It gives bigints below 2^53 back as
 * numbers, which the machines of RELOAD would have to be spared.
 */
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { Encoder } from "cbor-x/index-no-eval";
import { vapTransaction } from "vipr/machines/vap";

const MACHINES_MAX = 10_000;
const EVENTS_MAX = 100; // of one machine
const cbor = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false });
/** Copied, and handed over: cbor-x writes into a pool, all of which the port would copy. */
const post = (port, content) => {
  const bytes = new Uint8Array(cbor.encode(content));
  port.postMessage(bytes, [bytes.buffer]);
};

const serve = () => {
  const snapshots = new Map();
  parentPort.on("message", (bytes) => {
    const { id, start, event } = cbor.decode(bytes);
    const { snapshot, actions } =
      start === undefined ? vapTransaction.step(snapshots.get(id), event) : vapTransaction.start(start);
    const isDone = vapTransaction.isDone(snapshot);
    if (isDone) snapshots.delete(id);
    else snapshots.set(id, snapshot);
    post(parentPort, { id, orders: actions, isDone });
  });
};

/** `begin(input, perform, ended)` gives `tell`; both are false where a limit is reached. */
const machinesOn = (worker) => {
  const machines = new Map();
  let last = 0;
  const turn = (id, machine) => {
    if (machine.isBusy || machine.mailbox.length === 0) return;
    machine.isBusy = true;
    post(worker, { id, event: machine.mailbox.shift() });
  };
  const obey = (order, { timers, tell, perform }) => {
    const { type, timer, ms } = order;
    if (type === "startTimer" || type === "stopTimer") clearTimeout(timers.get(timer));
    const fire = () => tell({ type: "timerFired", timer, atMs: Date.now() });
    if (type === "startTimer") timers.set(timer, setTimeout(fire, ms));
    else if (type !== "stopTimer") perform(order, tell);
  };
  worker.on("message", (bytes) => {
    const { id, orders, isDone } = cbor.decode(bytes);
    const machine = machines.get(id);
    for (const order of orders) obey(order, machine);
    machine.isBusy = false;
    if (!isDone) return turn(id, machine);
    machines.delete(id);
    for (const timer of machine.timers.values()) clearTimeout(timer);
    machine.ended();
  });
  return (input, perform, ended) => {
    if (machines.size === MACHINES_MAX) return false;
    const id = ++last;
    const tell = (event) => {
      if (!machines.has(id) || machine.mailbox.length === EVENTS_MAX) return false;
      machine.mailbox.push(event);
      turn(id, machine);
      return true;
    };
    const machine = { mailbox: [], timers: new Map(), isBusy: true, tell, perform, ended };
    machines.set(id, machine);
    post(worker, { id, start: input });
    return tell;
  };
};

const main = async () => {
  const worker = new Worker(new URL(import.meta.url));
  const begin = machinesOn(worker);
  const outcomeOf = (perform) =>
    new Promise((ended) => {
      const request = { method: "unregister", class: "request", attributes: [] };
      const transactionId = crypto.getRandomValues(new Uint8Array(12));
      let outcome;
      const performOne = (order, tell) => {
        if (order.type === "report") outcome = order.outcome.type;
        else perform(order, tell);
      };
      begin({ request, transactionId, timeoutMs: 50 }, performOne, () => ended(outcome));
    });
  const answer = ({ type, content, transactionId }, tell) => {
    if (type !== "send") return;
    const response = { type: { method: content.method, class: "success" }, transactionId, attributes: [] };
    tell({ type: "answered", response, genuine: true });
  };
  console.log((await Promise.all([outcomeOf(() => {}), outcomeOf(answer)])).join(", "));
  await worker.terminate();
};

if (isMainThread) await main();
else serve();
// prints: timedOut, answer
