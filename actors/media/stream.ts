/**
 * One stream of a call in our relay: its path, its four sockets, its keys.
 *
 *   inside RTP, RTCP sockets  <-->  MediaPath  <-->  outside SRTP, SRTCP sockets
 *
 * Packets pass in plain JavaScript, outside of any fiber.
 */
import { Effect } from "effect";
import { base64Of } from "../../codecs/shared/mod.ts";
import { type CryptoKey, keyBytesOf, type StreamEnd, SUITES, type SuiteName } from "../../codecs/sip/mod.ts";
import { type Forward, type LegName, MediaPath, type Settled, type Side } from "../../machines/media/mod.ts";
import { type MasterKey, type SrtpPrimitives, SrtpReceiver, SrtpSender } from "../../machines/srtp/mod.ts";
import { Entropy, SrtpCiphers } from "../ports/mod.ts";
import { openPair, type PortPair, type PortRange } from "./ports.ts";

export interface MediaStream {
  readonly kind: string;
  readonly path: MediaPath;
  readonly pairs: Readonly<Record<Side, PortPair>> & { trunk?: PortPair };
  /** Opens the ports for the telephone network, at that address of ours. */
  readonly openTrunk: (host: string) => ReturnType<typeof openPair>;
  /** Of reports of our own. RFC 3550 §8.1. */
  readonly ssrc: number;
  /** Our keys, by suite, until the other end changes its own. */
  own: ReadonlyMap<SuiteName, string>;
  settled: Settled | undefined;
  /**
   * By suite and key. Whoever comes back to a key, by another suite or another fork in between, goes on with its count: a key
   * that began anew would use a keystream twice, and take what it has seen.
   */
  readonly senders: Map<string, SrtpSender>;
  readonly receivers: Map<string, SrtpReceiver>;
}
/** Keys of the other end; the oldest give way. */
const RECEIVERS_MAX = 4;
const SSRC_MAX = 2 ** 32 - 1;

export interface StreamOptions {
  readonly kind: string;
  readonly hosts: Readonly<Record<Side, string>>;
  readonly ports: PortRange;
  readonly suites: ReadonlyArray<SuiteName>;
  readonly trustsInside: boolean;
  readonly nowMs: () => number;
  /** The other relay has told that the media are bad there. */
  readonly noticed: () => void;
}

export const openStream = Effect.fn("media.openStream")(function* (options: StreamOptions) {
  const { hosts, ports, nowMs, noticed } = options;
  const path = new MediaPath(options.trustsInside);
  const received = (side: LegName) => (atRtcpPort: boolean, bytes: Uint8Array, host: string, port: number) => {
    const before = path.noticed;
    const forward = path.receive(side, atRtcpPort, bytes, host, port, nowMs());
    if (forward !== undefined) sendBy(stream, forward);
    else if (path.noticed !== before) noticed();
  };
  const inside = yield* openPair(hosts.inside, ports, received("inside"));
  const outside = yield* openPair(hosts.outside, ports, received("outside"));
  const own = yield* ownKeys(options.suites);
  const stream: MediaStream = {
    kind: options.kind,
    path,
    pairs: { inside, outside },
    openTrunk: (host) => openPair(host, ports, received("trunk")),
    ssrc: yield* (yield* Entropy).between(1, SSRC_MAX),
    own,
    settled: undefined,
    senders: new Map(),
    receivers: new Map(),
  };
  yield* Effect.addFinalizer(() => Effect.sync(() => endStream(stream)));
  return stream;
});

export const sendBy = ({ pairs }: Pick<MediaStream, "pairs">, forward: Forward): void => {
  const pair = pairs[forward.toward];
  if (pair === undefined) return;
  (forward.byRtcpPort ? pair.rtcp : pair.rtp).send(forward.bytes, forward.host, forward.port);
};

/** Nothing passes, and the keys are zeroed. */
const endStream = ({ path, senders, receivers }: MediaStream): void => {
  path.end();
  for (const end of [...senders.values(), ...receivers.values()]) end.end();
  senders.clear();
  receivers.clear();
};

/** Each key is drawn for itself: no two lines of a description have the same. RFC 4568 §6.1. */
export const ownKeys = Effect.fn("media.ownKeys")(function* (suites: ReadonlyArray<SuiteName>) {
  const entropy = yield* Entropy;
  const keys = new Map<SuiteName, string>();
  for (const suite of suites) {
    const bytes = yield* entropy.bytes(SUITES[suite].keyBytes + SUITES[suite].saltBytes);
    keys.set(suite, base64Of(bytes));
    bytes.fill(0);
  }
  return keys as ReadonlyMap<SuiteName, string>;
});

export interface Ends {
  readonly inside: StreamEnd;
  readonly outside: StreamEnd;
}

/** Offer and answer have settled the stream: from now on its packets pass, or none do. */
export const settle = Effect.fn("media.settle")(function* (
  stream: MediaStream,
  settled: Settled,
  ends: Ends | undefined,
  nowMs: number,
) {
  stream.settled = settled;
  const { path } = stream;
  if (settled.mode === "refused" || ends === undefined) return path.shut();
  const isMuxed = ends.inside.isMuxed && ends.outside.isMuxed;
  for (const side of ["inside", "outside"] as const) path.describe(side, ends[side], isMuxed);
  if (settled.mode === "passed") return path.open("passed", undefined, undefined, nowMs);
  const primitives = yield* SrtpCiphers;
  path.open("srtp", senderOf(stream, settled, primitives), receiverOf(stream, settled, primitives), nowMs);
});

type Secured = Extract<Settled, { readonly mode: "srtp" }>;

const senderOf = ({ senders, own }: MediaStream, { suite, send }: Secured, primitives: SrtpPrimitives): SrtpSender => {
  const idOf = (suite: string, key: string) => `${suite} ${key}`;
  const id = idOf(suite, send);
  // A key that is ours no more is never sent under again.
  const ours = new Set([id, ...[...own].map(([name, key]) => idOf(name, key))]);
  for (const [other, sender] of senders)
    if (!ours.has(other)) {
      sender.end();
      senders.delete(other);
    }
  const found = senders.get(id);
  if (found !== undefined) return found;
  const keySalt = keyBytesOf(send)!;
  const sender = new SrtpSender(primitives, SUITES[suite], keySalt);
  keySalt.fill(0);
  senders.set(id, sender);
  return sender;
};

const receiverOf = (
  { receivers }: MediaStream,
  { suite, receive }: Secured,
  primitives: SrtpPrimitives,
): SrtpReceiver => {
  const id = `${suite} ${receive.map(keyId).join()}`;
  const found = receivers.get(id);
  receivers.delete(id);
  const keys = found === undefined ? receive.map(masterKeyOf) : [];
  const receiver = found ?? new SrtpReceiver(primitives, SUITES[suite], keys);
  for (const { keySalt } of keys) keySalt.fill(0);
  receivers.set(id, receiver);
  const [oldest] = receivers;
  if (oldest !== undefined && receivers.size > RECEIVERS_MAX) {
    oldest[1].end();
    receivers.delete(oldest[0]);
  }
  return receiver;
};

const keyId = ({ keySalt, mki, lifetime }: CryptoKey): string =>
  `${keySalt.replace(/=+$/, "")}|${mki?.value}:${mki?.bytes}|${lifetime}`;

const masterKeyOf = ({ keySalt, mki, lifetime }: CryptoKey): MasterKey => ({
  keySalt: keyBytesOf(keySalt)!,
  lifetime,
  mki:
    mki &&
    Uint8Array.from({ length: mki.bytes }, (_, i) => Number((mki.value >> BigInt(8 * (mki.bytes - 1 - i))) & 255n)),
});
