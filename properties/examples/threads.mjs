/**
 * Machines of ours on a thread of their own: events go there, orders come back, each as one CBOR envelope.
 *
 *   main: sockets, timers --{ id, start | event }--> worker: machines by id --{ id, order }--> main
 *
 * Records of cbor-x stay off: both ends would have to share their structures.
 */
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { Encoder } from "cbor-x/index-no-eval";
import { vapTransaction } from "vipr/machines/vap";

const MACHINES_MAX = 10_000;
const { encode, decode } = new Encoder({ useRecords: false, mapsAsObjects: true });

const serve = () => {
  const snapshots = new Map();
  const took = (id, { snapshot, actions }) => {
    if (vapTransaction.isDone(snapshot)) snapshots.delete(id);
    else snapshots.set(id, snapshot);
    for (const order of actions) parentPort.postMessage(encode({ id, order }));
  };
  parentPort.on("message", (bytes) => {
    const { id, start, event } = decode(bytes);
    if (start !== undefined && snapshots.size < MACHINES_MAX) took(id, vapTransaction.start(start));
    else if (snapshots.has(id)) took(id, vapTransaction.step(snapshots.get(id), event));
  });
};

const main = () => {
  const worker = new Worker(new URL(import.meta.url));
  const tell = (envelope) => worker.postMessage(encode(envelope));
  const timers = new Map();
  const outcomes = [];
  worker.on("message", (bytes) => {
    const { id, order } = decode(bytes);
    const key = `${id} ${order.timer}`;
    const fired = () => tell({ id, event: { type: "timerFired", timer: order.timer } });
    if (order.type === "startTimer") timers.set(key, setTimeout(fired, order.ms));
    if (order.type === "stopTimer") clearTimeout(timers.get(key));
    if (order.type === "send" && id === 1) tell({ id, event: { type: "lost", why: "no route" } });
    if (order.type === "report") outcomes[id] = order.outcome.type;
    if (order.type === "report" && outcomes.filter(Boolean).length === 2) {
      console.log(outcomes.join(", "));
      worker.terminate();
    }
  });
  for (const id of [0, 1]) {
    const request = { method: "unregister", class: "request", attributes: [] };
    tell({ id, start: { request, transactionId: crypto.getRandomValues(new Uint8Array(12)), timeoutMs: 50 } });
  }
};

if (isMainThread) main();
else serve();
// prints: timedOut, lost
