/**
 * Both ends of many calls, for the bench: they send G.711 in packets of 20 ms, RTP from inside and SRTP from outside, and count
 * what arrives.
 *
 *   each 20 ms: of each call one packet from inside, one from outside, spread over the 20 ms
 */
import dgram from "node:dgram";
import { keyBytesOf, SUITES } from "../../../codecs/sip/mod.ts";
import { SrtpSender } from "../../../machines/srtp/mod.ts";
import { platformPrimitives } from "../../../runtime/srtp.ts";
import { type BenchCall, OUTSIDE_KEY } from "./set-up.ts";

const HOST = "127.0.0.1";
const PACKET_BYTES = 172;
const PACKET_MS = 20;
/** For packets still on their way when sending ends. */
const SETTLE_MS = 300;

export interface Traffic {
  /** For so long; gives the packets sent, and those that arrived at the other end. */
  readonly play: (ms: number) => Promise<{ readonly sent: number; readonly came: number }>;
  readonly close: () => void;
}

const bound = (port: number): Promise<dgram.Socket> =>
  new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    socket.bind(port, HOST, () => resolve(socket));
  });
const rtp = (sequence: number, ssrc: number): Uint8Array => {
  const packet = new Uint8Array(PACKET_BYTES).fill(0xd5);
  const view = new DataView(packet.buffer);
  view.setUint16(0, 0x8008);
  view.setUint16(2, sequence & 0xffff);
  view.setUint32(4, 160 * sequence);
  view.setUint32(8, ssrc);
  return packet;
};

/**
 * `inside`, `outside`: the first ports of the ends, those given to `setUp`. `isSecured`: whether the outside sends SRTP, as another
 * company's border element does; else RTP, as its telephones do.
 */
export const openTraffic = async (
  calls: ReadonlyArray<Pick<BenchCall, "insidePort" | "outsidePort">>,
  inside: number,
  outside: number,
  isSecured = true,
): Promise<Traffic> => {
  let came = 0;
  let sequence = 0;
  const ends = await Promise.all(
    calls.map(async ({ insidePort, outsidePort }, i) => {
      const [phone, border] = [await bound(inside + 2 * i), await bound(outside + 2 * i)];
      for (const socket of [phone, border]) socket.on("message", () => came++);
      const sender = new SrtpSender(platformPrimitives, SUITES.AES_CM_128_HMAC_SHA1_80, keyBytesOf(OUTSIDE_KEY)!);
      return { phone, border, sender, insidePort, outsidePort, ssrc: 1_000 + i };
    }),
  );
  const sendOf = ({ phone, border, sender, insidePort, outsidePort, ssrc }: (typeof ends)[number]) => {
    phone.send(rtp(sequence, ssrc), insidePort, HOST);
    const back = rtp(sequence, ssrc + 50_000);
    border.send(isSecured ? (sender.rtp(back) as Uint8Array) : back, outsidePort, HOST);
  };
  const play: Traffic["play"] = async (ms) => {
    came = 0;
    let sent = 0;
    const from = performance.now();
    // A quarter of the calls every 5 ms; a timer that is late makes up for it.
    for (let slot = 0; ; slot++) {
      const dueMs = (slot * PACKET_MS) / 4;
      if (dueMs >= ms) break;
      const early = from + dueMs - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      if (slot % 4 === 0) sequence++;
      for (let i = slot % 4; i < ends.length; i += 4) {
        sendOf(ends[i]!);
        sent += 2;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return { sent, came };
  };
  const close = () => {
    for (const { phone, border } of ends) for (const socket of [phone, border]) socket.close();
  };
  return { play, close };
};
