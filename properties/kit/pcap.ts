/** A capture file of TCP streams, with the headers below: written in the words of our own codecs. */
import { concat } from "../../codecs/shared/mod.ts";
import { bytes, constant, encode, lengthOf, lengthOfWhole, rest, struct, u8, u16, u32 } from "../../codecs/wire/mod.ts";

const CaptureHeader = struct("CaptureHeader", "libpcap", {
  magic: constant(u32, 0xa1b2c3d4),
  major: constant(u16, 2),
  minor: constant(u16, 4),
  zone: constant(u32, 0),
  accuracy: constant(u32, 0),
  longest: constant(u32, 0xffff),
  link: constant(u32, 101), // raw IP
});
const CaptureRecord = struct("CaptureRecord", "libpcap", {
  seconds: u32,
  microseconds: u32,
  kept: lengthOf("packet", u32),
  length: u32,
  packet: rest,
});
const TcpInIp = struct("TcpInIp", "RFC 791, RFC 9293", {
  version: constant(u8, 0x45),
  service: constant(u8, 0),
  length: lengthOfWhole(u16),
  fragment: constant(u32, 0),
  life: constant(u8, 64),
  protocol: constant(u8, 6),
  checksum: constant(u16, 0),
  source: bytes(4),
  destination: bytes(4),
  sourcePort: u16,
  destinationPort: u16,
  sequence: u32,
  acknowledged: u32,
  flags: u16,
  window: constant(u16, 0xffff),
  check: constant(u16, 0),
  urgent: constant(u16, 0),
  data: rest,
});

const PUSH = 0x5018;
const SYN = 0x5002;
const SYN_ACK = 0x5012;
const [CLIENT, SERVER] = [Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2)];
const CLIENT_PORT = 40_000;

/** What went over one stream, in the order it went: `out` from who dialled. */
export interface Piece {
  readonly out: boolean;
  readonly data: Uint8Array;
}

/** Each stream from 10.0.0.1 to that port of 10.0.0.2, after its handshake: one segment a piece. */
export const tcpCapture = (streams: ReadonlyArray<ReadonlyArray<Piece>>, port: number): Uint8Array => {
  const records: Array<Uint8Array> = [encode(CaptureHeader, {})];
  for (const [i, pieces] of streams.entries()) {
    const next = { out: 1_000, in: 5_000 };
    const segment = (out: boolean, flags: number, data: Uint8Array) => {
      const packet = encode(TcpInIp, {
        source: out ? CLIENT : SERVER,
        destination: out ? SERVER : CLIENT,
        sourcePort: out ? CLIENT_PORT + i : port,
        destinationPort: out ? port : CLIENT_PORT + i,
        sequence: out ? next.out : next.in,
        acknowledged: out ? next.in : next.out,
        flags,
        data,
      });
      const seconds = 1_300_000_000 + records.length;
      records.push(encode(CaptureRecord, { seconds, microseconds: 0, length: packet.length, packet }));
      next[out ? "out" : "in"] += data.length + (flags === PUSH ? 0 : 1);
    };
    segment(true, SYN, new Uint8Array());
    segment(false, SYN_ACK, new Uint8Array());
    for (const { out, data } of pieces) segment(out, PUSH, data);
  }
  return concat(...records);
};
