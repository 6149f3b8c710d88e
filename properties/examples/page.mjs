/**
 * In a page: a message is written and read, a machine runs on the page's own timers, and what came of it stands in its body.
 * Bundled by esbuild, without anything of Node.
 */
import { TRANSACTION_ID_BYTES, VapMessage } from "vipr/codecs/vap";
import { decode, encode } from "vipr/codecs/wire";
import { vapTransaction } from "vipr/machines/vap";

const lines = [];
const say = (line) => {
  lines.push(line);
  document.body.textContent = lines.join("\n");
};

const transactionId = crypto.getRandomValues(new Uint8Array(TRANSACTION_ID_BYTES));
const type = { method: "unregister", class: "request" };
const bytes = encode(VapMessage, { type, transactionId, attributes: [] });
say(`read: ${decode(VapMessage, bytes).value.type.method}, ${bytes.length} bytes`);

let now = vapTransaction.start({ request: { ...type, attributes: [] }, transactionId, timeoutMs: 50 });
const perform = () => {
  for (const order of now.actions) {
    if (order.type === "startTimer") setTimeout(() => tell({ type: "timerFired", timer: order.timer }), order.ms);
    if (order.type === "report") say(`machine: ${order.outcome.type}`);
  }
};
const tell = (event) => {
  if (vapTransaction.isDone(now.snapshot)) return;
  now = vapTransaction.step(now.snapshot, event);
  perform();
};
perform();
// prints: read: unregister, 20 bytes
// prints: machine: timedOut
