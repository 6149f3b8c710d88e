/**
 * How long after its INVITE a caller hears that it rings, through a pair and without it. The caller is a stream of this
 * process: it sends INVITE, ACK and BYE, and looks at the clock when the 180 comes.
 *
 *   INVITE --> border == TLS ==> border --> called agent --> 180 --> ... --> here     added: beyond the same without the pair
 */
import { readFileSync } from "node:fs";
import net from "node:net";
import process from "node:process";
import type { Pair } from "./pairs.ts";
import { HOST, wait } from "./processes.ts";

const TICK_MS = 2;
/** Calls that are not over then are lost. */
const LATE_MS = 5_000;
let calls = 0;

export interface Heard {
  /** Of each call that rang, in ms. */
  readonly delaysMs: ReadonlyArray<number>;
  /** Calls whose BYE was not answered with 200. */
  readonly lost: number;
}

/** `isDirect`: straight to the called agent. */
export const hear = async (pair: Pair, count: number, perSecond: number, isDirect = false): Promise<Heard> => {
  const socket = net.connect(isDirect ? pair.called : pair.inside, HOST);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.setNoDelay(true);
  const [invite, ack, bye] = wordsOf(readFileSync(pair.scenario, "utf8"), (socket.address() as net.AddressInfo).port);
  const sentMs = new Map<string, number>();
  const delaysMs: Array<number> = [];
  let over = 0;
  const heard = (text: string) => {
    const id = /^Call-ID: (\S+)/m.exec(text)?.[1] ?? "";
    const atMs = sentMs.get(id);
    if (text.startsWith("SIP/2.0 180") && atMs !== undefined) delaysMs.push(performance.now() - atMs);
    if (!text.startsWith("SIP/2.0 200")) return;
    if (/^CSeq: 2 /m.test(text)) over++;
    else socket.write(within(ack!, text, id) + within(bye!, text, id));
  };
  let rest = "";
  socket.on("data", (bytes) => {
    rest += bytes.toString("latin1");
    for (let size = sizeOf(rest); size > 0 && rest.length >= size; size = sizeOf(rest)) {
      heard(rest.slice(0, size));
      rest = rest.slice(size);
    }
  });
  const fromMs = performance.now();
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, ((performance.now() - fromMs) * perSecond) / 1_000);
    for (; sent < due; sent++) {
      const id = `d${process.pid}-${++calls}`;
      sentMs.set(id, performance.now());
      socket.write(filled(invite!, id));
    }
    await wait(TICK_MS);
  }
  for (const untilMs = performance.now() + LATE_MS; over < count && performance.now() < untilMs; ) await wait(TICK_MS);
  socket.destroy();
  return { delaysMs, lost: count - over };
};

/** Whole, with its body; 0 while its head is not. */
const sizeOf = (text: string): number => {
  const end = text.indexOf("\r\n\r\n") + 4;
  return end < 4 ? 0 : end + Number(/^Content-Length: *([0-9]+)/im.exec(text.slice(0, end))?.[1] ?? 0);
};

/** The messages of sipp's scenario, to be filled in for each call. */
const wordsOf = (scenario: string, port: number): ReadonlyArray<string> =>
  [...scenario.matchAll(/<!\[CDATA\[\n([\s\S]*?)\]\]>/g)].map(([, text = ""]) => {
    const filled = text
      .replaceAll(/\[local_ip\]|\[media_ip\]/g, HOST)
      .replaceAll(/\[(?:local|media)_ip_type\]/g, "4")
      .replaceAll("[local_port]", String(port))
      .replaceAll("[media_port]", "6000")
      .replaceAll("\n", "\r\n");
    const bodyAt = filled.indexOf("\r\n\r\n") + 4;
    return filled.replace("[len]", String(filled.length - bodyAt));
  });
const filled = (text: string, id: string): string =>
  text.replaceAll("[branch]", `z9hG4bK${text.slice(0, 3)}${id}`).replaceAll(/\[pid\]c\[call_number\]|\[call_id\]/g, id);

/** ... within the dialog that a 200 has made. RFC 3261 §12.1.2. */
const within = (text: string, answer: string, id: string): string => {
  const records = [...answer.matchAll(/^Record-Route: (.*)\r/gm)].flatMap(([, line = ""]) => line.split(","));
  const routes = records.reverse().map((value) => `Route: ${value.trim()}\r\n`);
  return filled(text, id)
    .replace("[next_url]", /(?<=^Contact: <)[^>]*/m.exec(answer)?.[0] ?? "")
    .replace("[routes]\r\n", routes.join(""))
    .replace("[peer_tag_param]", /^To: .*(;tag=[^\r]*)/m.exec(answer)?.[1] ?? "");
};
