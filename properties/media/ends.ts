/** Telephones and border elements for the tests of media relays: an end with a socket, its description, and its keys. */
import { Effect } from "effect";
import { Datagrams } from "../../actors/ports/mod.ts";
import { bytesOfHex } from "../../codecs/shared/mod.ts";
import {
  choosableOf,
  keyBytesOf,
  parseSdp,
  type Sdp,
  type SdpMedia,
  SUITES,
  type SuiteName,
} from "../../codecs/sip/mod.ts";
import { SrtpReceiver, type SrtpResult, SrtpSender } from "../../machines/srtp/mod.ts";
import { platformPrimitives } from "../../runtime/srtp.ts";

export const HOST = "127.0.0.1";

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly port: number;
}
export interface End {
  readonly port: number;
  readonly came: Array<Datagram>;
  readonly send: (bytes: Uint8Array, port: number) => void;
}

/** A socket that keeps what comes. */
export const openEnd = Effect.fn(function* (host: string = HOST) {
  const came: Array<Datagram> = [];
  const socket = yield* (yield* Datagrams).open(
    { host, port: 0 },
    { received: (bytes, _, port) => void came.push({ bytes: bytes.slice(), port }), failed: () => {} },
  );
  const end: End = { port: socket.port, came, send: (bytes, port) => socket.send(bytes, host, port) };
  return end;
});

/** Until `count` datagrams have come, or some time has passed. */
export const waitFor = (end: End, count: number): Effect.Effect<ReadonlyArray<Datagram>> =>
  Effect.gen(function* () {
    for (let i = 0; i < 400 && end.came.length < count; i++) yield* Effect.sleep(5);
    return end.came;
  });

export const sdpOf = (...lines: ReadonlyArray<string>): Sdp => {
  const read = parseSdp(["v=0", "o=alice 17 3 IN IP4 127.0.0.1", "s=Phone 1.2", ...lines].join("\r\n"));
  if (!read.ok) throw new Error(read.error.why);
  return read.value;
};
/** One audio stream at that port, with its own lines. */
export const audio = (port: number, profile: string, ...lines: ReadonlyArray<string>): Sdp =>
  sdpOf(
    `c=IN IP4 ${HOST}`,
    "t=0 0",
    `m=audio ${port} ${profile} 8 0 101`,
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-16",
    ...lines,
  );

export const KEY_A = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
export const KEY_B = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
export const cryptoLine = (tag: number, key: string, suite = "AES_CM_128_HMAC_SHA1_80"): string =>
  `a=crypto:${tag} ${suite} inline:${key}`;

/** An RTP packet of G.711, of that source and number. */
export const rtp = (sequence: number, ssrc = 0x1234, type = 8): Uint8Array => {
  const packet = new Uint8Array(172);
  packet.set(bytesOfHex("8000000000000000"));
  packet[1] = type;
  const view = new DataView(packet.buffer);
  view.setUint16(2, sequence & 0xffff);
  view.setUint32(4, 160 * sequence);
  view.setUint32(8, ssrc);
  for (let i = 12; i < packet.length; i++) packet[i] = (sequence + i) & 255;
  return packet;
};
export const portOf = (sdp: Sdp, i = 0): number => sdp.media[i]!.port;
export const keyIn = (media: SdpMedia) => choosableOf(media)[0]!;

/** The SRTP of an end outside: its own key, and the one that its peer's description brings. */
export const srtpOf = (own: string, suite: SuiteName, theirs: string) => ({
  sender: new SrtpSender(platformPrimitives, SUITES[suite], keyBytesOf(own)!),
  receiver: new SrtpReceiver(platformPrimitives, SUITES[suite], [{ keySalt: keyBytesOf(theirs)! }]),
});
export const sure = (result: SrtpResult): Uint8Array => {
  if (typeof result === "string") throw new Error(result);
  return result;
};
