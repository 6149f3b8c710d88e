/**
 * Our ports for media: two in a row for each side of each stream, RTP on the even one and RTCP above it (RFC 3550 §11), drawn
 * at random from the configured range, so that a stranger cannot tell which are in use.
 */
import { Effect, Exit, Scope } from "effect";
import { type DatagramSocket, Datagrams, Entropy } from "../ports/mod.ts";
import { MediaRefused } from "./relay.ts";

/** Pairs that are tried, one after the other, before there is said to be none. */
const TRIES_MAX = 256;

export interface PortRange {
  readonly min: number;
  readonly max: number;
}

type Received = (atRtcpPort: boolean, bytes: Uint8Array, host: string, port: number) => void;

export interface PortPair {
  readonly port: number;
  readonly rtp: DatagramSocket;
  readonly rtcp: DatagramSocket;
}

/** Open until the scope closes. */
export const openPair = Effect.fn("media.openPair")(function* (
  host: string,
  { min, max }: PortRange,
  received: Received,
) {
  const datagrams = yield* Datagrams;
  const first = Math.ceil(min / 2);
  const pairs = Math.floor((max - 1) / 2) - first + 1;
  const start = yield* (yield* Entropy).between(0, Math.max(0, pairs - 1));
  const around = yield* Effect.scope;
  const open = (port: number, atRtcpPort: boolean) =>
    datagrams.open(
      { host, port },
      { received: (bytes, from, fromPort) => received(atRtcpPort, bytes, from, fromPort), failed: () => {} },
    );
  for (let i = 0; i < Math.min(pairs, TRIES_MAX); i++) {
    const port = 2 * (first + ((start + i) % pairs));
    const scope = yield* Scope.fork(around);
    const pair = yield* Effect.option(
      Scope.provide(Effect.all({ rtp: open(port, false), rtcp: open(port + 1, true) }), scope),
    );
    if (pair._tag === "Some") return { port, ...pair.value } satisfies PortPair;
    yield* Scope.close(scope, Exit.void);
  }
  return yield* new MediaRefused({ reason: "limit", why: `no two free ports from ${min} to ${max} at ${host}` });
});
