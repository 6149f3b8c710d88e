/** How messages stand on a link: each in a frame with a number, each answered by an acknowledgement. RFC 6940 §6.6.2. */
import { constant, enumeration, opaque, select, struct, type TypeOf, u8, u24, u32 } from "../wire/mod.ts";
import { framedMessageType } from "./registry.ts";

const FramedData = struct("FramedData", "RFC 6940 §6.6.2", {
  sequence: u32,
  message: opaque(u24),
});
const FramedAck = struct("FramedAck", "RFC 6940 §6.6.2", {
  sequence: u32, // of the message acknowledged
  received: u32, // bit N-M set: message M, one of the 32 before N, was among the last 32 received
});
/** A message with its number (0 first, one more for each), up to 2^24-1 bytes; or an acknowledgement of one and of the 32 before it. */
export const FramedMessage = struct("FramedMessage", "RFC 6940 §6.6.2", {
  type: enumeration(u8, framedMessageType),
  frame: select("type", { data: FramedData, ack: FramedAck }),
});
export type FramedMessage = TypeOf<typeof FramedMessage>;

/** The beginning of a data frame whose message is too long to be buffered. */
export const FrameStart = struct("FrameStart", "RFC 6940 §6.6.2", {
  type: constant(u8, framedMessageType.data),
  sequence: u32,
  length: u24,
});

/** Bytes of a data frame around its message. */
export const FRAME_OVERHEAD_BYTES = 8;
