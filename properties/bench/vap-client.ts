/**
 * The other side of the bench `vap`: uploads call records as fast as they are answered, 48 on their way. Prints `go` when it has
 * warmed up, and after the round how many were answered in it.
 *
 *   node vap-client.ts PORT tcp|tls vap|echo ROUND_MS
 */
import net from "node:net";
import process from "node:process";
import tls from "node:tls";
import { ntpFromMs, unixMs } from "../../codecs/shared/mod.ts";
import { protect, type VapAttribute, type VapContent, vapKey, writeVService } from "../../codecs/vap/mod.ts";

const WINDOW = 48;
const MESSAGES = 4_096;
const WARM_MS = 1_500;

const [port = "", over = "tcp", to = "vap", roundMs = "1000"] = process.argv.slice(2);
const by = { username: "ann", key: vapKey("ann", "secret") };
const identity = (service: number, subservice: number): VapAttribute => ({
  type: "serviceIdentity",
  value: { service, subservice, vservice: 7n as never, instance: 1n },
});
const sealed = (id: number, method: VapContent["method"], ...attributes: ReadonlyArray<VapAttribute>): Uint8Array => {
  const transactionId = new Uint8Array(12);
  new DataView(transactionId.buffer).setUint32(0, id);
  return protect({ method, class: "request", attributes }, transactionId, by);
};
const START_MS = 1_767_225_600_000;
const upload = (i: number): Uint8Array =>
  sealed(
    1_000 + i,
    "uploadVcr",
    { type: "callingNumber", value: `+33${100_000_000 + i}` },
    { type: "calledNumber", value: `+1408${1_000_000 + i}` },
    { type: "startTime", value: ntpFromMs(unixMs(START_MS + 1_000 * i)) },
    { type: "stopTime", value: ntpFromMs(unixMs(START_MS + 1_000 * i + 90_000)) },
    { type: "callDirection", value: "received" },
    identity(100, 3),
  );
const uploads = Array.from({ length: MESSAGES }, (_, i) => upload(i));
const document = writeVService({
  id: "x",
  dhtName: "bench.example",
  didCount: 1,
  domain: "a.example",
  routes: [{ sipUris: ["sip:x@a.example:5061"] }],
});
const greeting = [
  sealed(1, "register", { type: "clientName", value: "x" }, { type: "protocolVersion", value: { major: 1, minor: 0 } }),
  sealed(
    2,
    "publish",
    identity(101, 4),
    { type: "serviceVersion", value: 1 },
    { type: "serviceContent", value: document },
  ),
];

const at = { host: "127.0.0.1", port: Number(port) };
const socket = over === "tls" ? tls.connect({ ...at, rejectUnauthorized: false }) : net.connect(at);
socket.setNoDelay(true);
let next = 0;
const send = (count: number): void => {
  const some: Array<Uint8Array> = [];
  for (let i = 0; i < count; i++) some.push(uploads[next++ % MESSAGES]!);
  socket.write(Buffer.concat(some));
};

let held: Buffer = Buffer.alloc(0);
/** Whole messages in what has come; the second byte pair of each says how long it is. */
const take = (chunk: Buffer): number => {
  const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
  let [at, count] = [0, 0];
  while (bytes.length - at >= 20) {
    const size = 20 + bytes.readUInt16BE(at + 2);
    if (bytes.length - at < size) break;
    if (to === "vap" && (bytes[at]! & 0x01) !== 1) throw new Error("no answer");
    if (to === "vap" && (bytes[at + 1]! & 0x10) !== 0) throw new Error("the server refuses");
    at += size;
    count += 1;
  }
  held = bytes.subarray(at);
  return count;
};

let due = 0;
let [waiting, answered, untilMs, isWarm] = [to === "vap" ? greeting.length : 0, 0, 0, false];
socket.on("data", (chunk: Buffer) => {
  const count = take(chunk);
  if (waiting > 0) {
    waiting -= count;
    if (waiting > 0) return;
    untilMs = performance.now() + WARM_MS;
    return send(WINDOW);
  }
  const nowMs = performance.now();
  answered += count;
  if (nowMs >= untilMs) {
    if (isWarm) {
      process.stdout.write(`answered ${answered}\n`);
      return void socket.destroy();
    }
    process.stdout.write("go\n");
    [isWarm, answered, untilMs] = [true, 0, nowMs + Number(roundMs)];
  }
  // What a turn of the loop brings is made up for at its end, or records of one message each would never grow together.
  if (due === 0)
    setImmediate(() => {
      const now = due;
      due = 0;
      if (!socket.destroyed) send(now);
    });
  due += count;
});
socket.on(over === "tls" ? "secureConnect" : "connect", () => {
  if (waiting > 0) return void socket.write(Buffer.concat(greeting));
  untilMs = performance.now() + WARM_MS;
  send(WINDOW);
});
