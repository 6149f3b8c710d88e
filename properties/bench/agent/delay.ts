/**
 * How long after its INVITE a caller hears that it rings, with a proxy and without. The caller is a socket of this process: it
 * sends INVITE, ACK and BYE, and looks at the clock when the 180 comes.
 *
 *   INVITE --> proxy --> called side --> 180 --> proxy --> here         added: what goes by beyond the same without a proxy
 */
import dgram from "node:dgram";
import { median } from "../kit.ts";
import { HOST, type Started } from "./processes.ts";

/** Some half of what ours sustains on one core. */
const PER_SECOND = 400;
const WARM_CALLS = 2_000;
const CALLS = 1_200;
const TICK_MS = 2;
/** Calls still unanswered then are not counted. */
const LATE_MS = 1_500;
const ROUNDS = 3;

export interface Delays {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const NOTHING = "Content-Length: 0\r\n\r\n";
const SDP = `v=0\r\no=- 1 1 IN IP4 ${HOST}\r\ns=-\r\nc=IN IP4 ${HOST}\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n`;
let calls = 0;

/** The delays of so many calls to a port, in ms. */
const delaysTo = async (port: number, caller: number, count: number): Promise<ReadonlyArray<number>> => {
  const socket = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(caller, HOST, resolve));
  const sentMs = new Map<string, number>();
  const delays: Array<number> = [];
  const fieldsOf = (text: string, name: string) => text.match(new RegExp(`^${name}: .*$`, "gm")) ?? [];
  const head = (branch: string, id: string, to: string, cseq: string) =>
    `Via: SIP/2.0/UDP ${HOST}:${caller};branch=z9hG4bK${branch}${id}\r\nFrom: <sip:+14085550201@${HOST}>;tag=a${id}\r\n` +
    `${to}\r\nCall-ID: ${id}\r\nCSeq: ${cseq}\r\nMax-Forwards: 70\r\n`;
  const invite = (id: string, number: number) => {
    const to = `To: <sip:+49305550${number}@${HOST}:${port}>`;
    const contact = `Contact: <sip:pbx@${HOST}:${caller}>\r\nContent-Type: application/sdp\r\n`;
    const body = `Content-Length: ${SDP.length}\r\n\r\n${SDP}`;
    return `INVITE sip:+49305550${number}@${HOST}:${port} SIP/2.0\r\n${head("i", id, to, "1 INVITE")}${contact}${body}`;
  };
  const within = (method: string, cseq: number, answer: string, id: string) => {
    const [target] = /(?<=^Contact: <)[^>]*/m.exec(answer) ?? [""];
    const routes = fieldsOf(answer, "Record-Route").map(
      (line) => `${line.replace("Record-Route", "Route").trim()}\r\n`,
    );
    const [to = ""] = fieldsOf(answer, "To");
    const rest = `${head(method, id, to.trim(), `${cseq} ${method}`)}${routes.join("")}${NOTHING}`;
    return `${method} ${target} SIP/2.0\r\n${rest}`;
  };
  const send = (text: string) => socket.send(text, port, HOST);
  socket.on("message", (bytes) => {
    const nowMs = performance.now();
    const text = bytes.toString("latin1");
    const id = /^Call-ID: (\S+)/m.exec(text)?.[1] ?? "";
    const atMs = sentMs.get(id);
    if (text.startsWith("SIP/2.0 180") && atMs !== undefined) {
      delays.push(nowMs - atMs);
      sentMs.delete(id);
    }
    if (!text.startsWith("SIP/2.0 200") || !/^CSeq: 1 INVITE/m.test(text)) return;
    send(within("ACK", 1, text, id));
    send(within("BYE", 2, text, id));
  });
  const fromMs = performance.now();
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, ((performance.now() - fromMs) * PER_SECOND) / 1_000);
    for (; sent < due; sent++) {
      const id = `d${process.pid}-${++calls}`;
      sentMs.set(id, performance.now());
      send(invite(id, calls));
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  const untilMs = performance.now() + LATE_MS;
  while (sentMs.size > 0 && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return delays;
};

const quantile = (values: ReadonlyArray<number>, part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(part * values.length))]!;

const known = new Map<Started, Promise<Delays>>();
/** What a proxy adds, measured once: the median of the rounds, each beside calls without it. */
export const addedDelays = (proxy: Started): Promise<Delays> => {
  const found = known.get(proxy) ?? measured(proxy);
  known.set(proxy, found);
  return found;
};
const measured = async ({ port, caller, called }: Started): Promise<Delays> => {
  await delaysTo(port, caller, WARM_CALLS);
  const p50s: Array<number> = [];
  const p99s: Array<number> = [];
  for (let round = 0; round < ROUNDS; round++) {
    const alone = await delaysTo(called, caller, CALLS);
    const by = await delaysTo(port, caller, CALLS);
    if (by.length < CALLS) console.error(`${CALLS - by.length} of ${CALLS} calls did not ring`);
    p50s.push(quantile(by, 0.5) - quantile(alone, 0.5));
    p99s.push(quantile(by, 0.99) - quantile(alone, 0.99));
  }
  return { p50Ms: median(p50s), p99Ms: median(p99s) };
};
