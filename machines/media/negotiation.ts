/**
 * What an offer becomes on the other side of the relay, and what its answer settles. Functions only. RFC 3264; RFC 4568 §5.1,
 * §7.1; docs/protocol/media.md#offer-and-answer
 *
 *   inside offers    RTP/AVP   -> RTP/SAVP outside, our keys        "srtp"
 *                    RTP/SAVP  -> RTP/SAVP outside, its own keys    "passed": we have no key, and open nothing
 *                    others    -> port 0
 *   outside offers   RTP/SAVP  -> RTP/AVP inside (or, where the inside speaks SRTP, passed)
 *                    others    -> port 0
 */
import {
  type CryptoAttribute,
  type CryptoKey,
  choosableOf,
  chosenOf,
  clearProfile,
  isAble,
  isClearProfile,
  isSecuredProfile,
  type Sdp,
  type SdpMedia,
  type ShownStream,
  type StreamEnd,
  type SuiteName,
  saidOnce,
  securedProfile,
  securingOf,
  sharesKey,
} from "../../codecs/sip/mod.ts";

export type Side = "inside" | "outside";
export type StreamMode = "refused" | "srtp" | "passed";
/** Our key and salt for each suite, base64: of one stream, until the other end changes its own. */
export type OwnKeys = ReadonlyMap<SuiteName, string>;

export interface Offered {
  /** The side that is shown it. */
  readonly toward: Side;
  readonly received: Sdp;
  readonly modes: ReadonlyArray<StreamMode>;
  /** As it was shown; the answer is held against it. */
  readonly shown: Sdp;
}

/** What becomes of each stream of an offer. `before`: how the streams of the call have been so far. `suites`: those we take. */
export const modesOf = (
  offer: Sdp,
  toward: Side,
  insideSpeaks: "rtp" | "srtp",
  before: ReadonlyArray<StreamMode>,
  suites: ReadonlyArray<string>,
): ReadonlyArray<StreamMode> =>
  offer.media.map((media, i) => {
    if (media.port === 0) return "refused";
    if (isSecuredProfile(media.protocol)) {
      const passes = toward === "outside" || insideSpeaks === "srtp" || before[i] === "passed";
      if (passes) return securingOf(media).length > 0 ? "passed" : "refused";
      return choosableOf(media).some(({ suite }) => suites.includes(suite)) ? "srtp" : "refused";
    }
    return toward === "outside" && isClearProfile(media.protocol) ? "srtp" : "refused";
  });

/** As `shownAs` wants a stream of an offer. `port`: ours, on the side that is shown it. */
export const shownOffer = (
  media: SdpMedia,
  mode: StreamMode,
  toward: Side,
  port: number,
  own: OwnKeys | undefined,
): ShownStream => {
  const { protocol } = media;
  if (mode === "refused") return { port: 0, protocol, cryptos: [] };
  if (mode === "passed") return { port, protocol, cryptos: securingOf(media) };
  if (toward === "inside") return { port, protocol: clearProfile(protocol), cryptos: [] };
  const cryptos = [...(own ?? [])].map(([suite, keySalt], i) => ownLine(i + 1, suite, keySalt));
  return { port, protocol: securedProfile(protocol), cryptos };
};
const ownLine = (tag: number, suite: string, keySalt: string): CryptoAttribute => ({
  tag,
  suite,
  keys: [{ keySalt, lifetime: undefined, mki: undefined }],
  session: [],
});

/** What an answer settles for one stream. Of `srtp`: with which suite, whose key is ours, whose are theirs. */
export type Settled =
  | { readonly mode: "refused" }
  | { readonly mode: "passed"; readonly suite: string; readonly crypto: CryptoAttribute }
  | {
      readonly mode: "srtp";
      readonly suite: SuiteName;
      readonly tag: number;
      readonly send: string;
      readonly receive: ReadonlyArray<CryptoKey>;
    };
export type AnswerFault = "notAnOffer" | "notSecured";

/** What the answer settles, stream by stream; or why it cannot be taken. `own`: our keys, by stream. */
export const settledBy = (
  offered: Offered,
  answer: Sdp,
  own: (stream: number) => OwnKeys | undefined,
): ReadonlyArray<Settled> | AnswerFault => {
  if (answer.media.length !== offered.shown.media.length) return "notAnOffer";
  const all: Array<Settled> = [];
  for (const [i, media] of answer.media.entries()) {
    const shown = offered.shown.media[i]!;
    if (media.port !== 0 && shown.port === 0) return "notSecured";
    if (media.port === 0 || shown.port === 0) {
      all.push({ mode: "refused" });
      continue;
    }
    if (media.kind !== shown.kind) return "notAnOffer";
    const one = settledStream(offered, i, media, own(i));
    if (one === undefined) return "notSecured";
    all.push(one);
  }
  return all.some(({ mode }) => mode !== "refused") ? all : "notSecured";
};

const settledStream = (
  { toward, received, modes, shown }: Offered,
  i: number,
  media: SdpMedia,
  own: OwnKeys | undefined,
): Settled | undefined => {
  const given = shown.media[i]!;
  if (modes[i] === "srtp" && toward === "inside") {
    // The inside has answered: we answer the outside, by the first of its lines that we can take.
    const line =
      media.protocol === given.protocol
        ? choosableOf(received.media[i]!).find(({ suite }) => own?.has(suite as SuiteName))
        : undefined;
    const suite = line?.suite as SuiteName | undefined;
    const send = suite && own?.get(suite);
    return line && suite && send ? { mode: "srtp", suite, tag: line.tag, send, receive: line.keys } : undefined;
  }
  const chosen = chosenOf(given, media);
  const offeredLine = chosen && securingOf(given).find(({ tag }) => tag === chosen.tag);
  if (chosen === undefined || offeredLine === undefined || sharesKey(offeredLine, chosen)) return undefined;
  if (modes[i] === "passed") return { mode: "passed", suite: chosen.suite, crypto: chosen };
  const send = own?.get(chosen.suite as SuiteName);
  if (!isAble(chosen) || send === undefined) return undefined;
  return { mode: "srtp", suite: chosen.suite as SuiteName, tag: chosen.tag, send, receive: chosen.keys };
};

/** As `shownAs` wants a stream of an answer. `port`: ours, on the offerer's side. */
export const shownAnswer = ({ toward, received }: Offered, i: number, settled: Settled, port: number): ShownStream => {
  // The profile is that of the offer as the offerer has written it. RFC 3264 §6.
  const { protocol } = received.media[i]!;
  switch (settled.mode) {
    case "refused":
      return { port: 0, protocol, cryptos: [] };
    case "passed":
      return { port, protocol, cryptos: [settled.crypto] };
    case "srtp":
      return {
        port,
        protocol,
        cryptos: toward === "inside" ? [ownLine(settled.tag, settled.suite, settled.send)] : [],
      };
  }
};

/** What a description is to another relay: streams in use with the lines that secure, refused ones not put to it at all. */
export const handedOver = (sdp: Sdp, ends: ReadonlyArray<StreamEnd | undefined>): Sdp => ({
  ...sdp,
  lines: sdp.lines.filter(({ letter }) => letter !== "c"),
  media: sdp.media.map((media, i) => {
    const end = ends[i];
    return end === undefined
      ? { ...media, port: 0, ports: undefined, lines: [{ letter: "c", value: "IN IP4 0.0.0.0" }] }
      : saidOnce(media, end, securingOf(media));
  }),
});

/**
 * What is wrong with an answer to what was shown, where another relay has the keys: that relay may take a key that it cannot
 * read, or a stream in the clear, and say that all is well.
 */
export const faultOfAnswer = ({ shown }: Pick<Offered, "shown">, answer: Sdp): AnswerFault | undefined => {
  if (answer.media.length !== shown.media.length) return "notAnOffer";
  const taken = [...answer.media.entries()].filter(([, { port }]) => port !== 0);
  for (const [i, media] of taken) {
    const given = shown.media[i]!;
    if (given.port === 0) return "notSecured";
    if (media.kind !== given.kind) return "notAnOffer";
    if (!isSecuredProfile(given.protocol) && media.protocol === given.protocol) continue;
    const chosen = chosenOf(given, media);
    const line = chosen && securingOf(given).find(({ tag }) => tag === chosen.tag);
    if (chosen === undefined || line === undefined || sharesKey(line, chosen)) return "notSecured";
  }
  return taken.length > 0 ? undefined : "notSecured";
};
