/** Events of a RELOAD link: what its user and its peer may send. */
import fc from "fast-check";
import { FramedMessage } from "../../codecs/reload/mod.ts";
import type { ReloadLinkEvent } from "../../machines/reload/mod.ts";
import { arbitraryOf } from "../kit/arbitrary.ts";

export const message: Uint8Array = Uint8Array.of(1);
export const post = (atMs: number): ReloadLinkEvent => ({ type: "outgoing", message, atMs });
export const data = (sequence: number): ReloadLinkEvent => ({
  type: "framed",
  frame: { type: "data", frame: { sequence, message } },
  atMs: 0,
});
export const ack = (sequence: number, atMs: number): ReloadLinkEvent => ({
  type: "framed",
  frame: { type: "ack", frame: { sequence, received: 0 } },
  atMs,
});

const sequences = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const times = fc.nat(100_000);

export const linkEvents: fc.Arbitrary<ReloadLinkEvent> = fc.oneof(
  times.map(post),
  sequences.map(data),
  fc.tuple(sequences, times).map(([number, at]) => ack(number, at)),
  fc
    .tuple(arbitraryOf(FramedMessage), times)
    .map(([frame, atMs]): ReloadLinkEvent => ({ type: "framed", frame, atMs })),
  fc.constant<ReloadLinkEvent>({ type: "closed", why: "gone" }),
);
