/**
 * Media by rtpengine, over its NG protocol. docs/protocol/media.md#rtpengine
 *
 *   offer  --> judged, what is not secured taken out --> rtpengine --> its description judged and cleaned --> shown
 *   answer --> judged against what was shown         --> rtpengine --> judged, cleaned                    --> shown
 *
 * Its "ok" proves nothing: an unknown flag is ok, and an answer whose key cannot be read. What counts is the description
 * that comes back. A call stays at the rtpengine that took its first offer. DECISIONS.md D-138.
 */
import { Clock, Effect, Layer } from "effect";
import { endOf, parseSdp, printSdp, type Sdp, SUITES } from "../../codecs/sip/mod.ts";
import {
  type BadMedia,
  faultOfAnswer,
  handedOver,
  modesOf,
  type QualityInput,
  type StreamMode,
} from "../../machines/media/mod.ts";
import type { Datagrams, Entropy } from "../ports/mod.ts";
import { endsOf, refused } from "./call.ts";
import { type Ng, type NgAnswer, type NgFailed, type NgRequest, type NgServer, openNg } from "./ng.ts";
import { type MediaRefused, MediaRelay, type MediaRelayShape, type MediaRequest, type Side } from "./relay.ts";
import { reportFrom, sampleFrom } from "./rtpengine-report.ts";
import { cleaned } from "./rtpengine-sdp.ts";
import { budgetOf, closeWatch, openWatch, RTPENGINE_QUALITY, type Watched } from "./rtpengine-watch.ts";

export interface RtpengineOptions {
  /** In the order in which they are asked. */
  readonly servers: ReadonlyArray<NgServer>;
  /** What rtpengine calls its interfaces: `--interface=NAME/ADDRESS`. Undefined: it has one. */
  readonly interfaces?: Readonly<Record<Side, string>>;
  readonly insideSpeaks?: "rtp" | "srtp";
  readonly callsMax?: number;
  /** Ends outside may have addresses of private networks. */
  readonly privateOutside?: boolean;
  /** When the media of a call are bad, and for how long: the log says so, and `calls`. */
  readonly quality?: QualityInput;
}

export const RTPENGINE_CALLS_MAX = 10_000;
const STREAMS_MAX = 8;
/** Asked for at once, when calls are reported. */
const QUERIES_MAX = 16;

/** All that rtpengine 10 offers and that is none of ours. */
const NO_SUITES = [
  "AEAD_AES_256_GCM",
  "AEAD_AES_128_GCM",
  "AES_192_CM_HMAC_SHA1_80",
  "AES_192_CM_HMAC_SHA1_32",
  "F8_128_HMAC_SHA1_80",
  "F8_128_HMAC_SHA1_32",
  "NULL_HMAC_SHA1_80",
  "NULL_HMAC_SHA1_32",
].map((suite) => `no-${suite}`);

export interface RtpengineCall {
  readonly server: NgServer;
  readonly sinceMs: number;
  /** Which side a tag is of. */
  readonly sides: Map<string, Side>;
  /** Its address as each side was shown it: on hold it says the zero address. */
  readonly hosts: Partial<Record<Side, string>>;
  modes: ReadonlyArray<StreamMode>;
  offered: { readonly toward: Side; readonly received: Sdp; readonly shown: Sdp } | undefined;
  /** From the first answer on. */
  watched: Watched | undefined;
  bad: BadMedia | undefined;
}

interface Relay {
  readonly options: RtpengineOptions;
  readonly ng: Ng;
  readonly nowMs: () => number;
  readonly calls: Map<string, RtpengineCall>;
  /** Watches a call until it ends. */
  readonly watch: (id: string, call: RtpengineCall) => Effect.Effect<Watched>;
}

const otherOf = (side: Side): Side => (side === "inside" ? "outside" : "inside");
const unavailable = ({ why }: NgFailed) => refused("unavailable", why);

/** Calls go on at rtpengine when the scope closes; one that starts again ends them when it is told to. */
export const openRtpengineRelay = Effect.fn("media.rtpengine")(function* (options: RtpengineOptions) {
  const clock = yield* Clock.Clock;
  const nowMs = () => clock.currentTimeMillisUnsafe();
  const ng = yield* openNg(options.servers);
  const calls = new Map<string, RtpengineCall>();
  const [around, mayAsk] = [yield* Effect.scope, budgetOf(nowMs)];
  const watch: Relay["watch"] = (id, call) => {
    const query = ng.ask(call.server, { command: "query", "call-id": id });
    const read = (answer: NgAnswer) => sampleFrom(id, call, answer);
    return openWatch(around, options.quality ?? RTPENGINE_QUALITY, mayAsk, query, read, (why) => {
      call.bad = why;
    });
  };
  const relay: Relay = { options, ng, nowMs, calls, watch };
  const report = ([id, call]: readonly [string, RtpengineCall]) =>
    Effect.match(ng.ask(call.server, { command: "query", "call-id": id }), {
      onSuccess: (answer) => [reportFrom(id, call, answer)],
      onFailure: () => [],
    });
  return {
    offer: (request) => offer(relay, request),
    answer: (request) => answer(relay, request),
    end: (id) =>
      Effect.suspend(() => {
        const call = calls.get(id);
        calls.delete(id);
        // One from before a restart: whichever has it ends it.
        const servers = call === undefined ? options.servers : [call.server];
        const asked: NgRequest = { command: "delete", "call-id": id, "delete-delay": 0 };
        const ending = Effect.forEach(servers, (server) => Effect.ignore(ng.ask(server, asked)), {
          concurrency: QUERIES_MAX,
          discard: true,
        });
        return Effect.andThen(closeWatch(call?.watched), ending);
      }),
    calls: Effect.map(
      Effect.suspend(() => Effect.forEach([...calls], report, { concurrency: QUERIES_MAX })),
      (all) => all.flat(),
    ),
  } satisfies MediaRelayShape as MediaRelayShape;
});

export const rtpengineRelay = (options: RtpengineOptions): Layer.Layer<MediaRelay, never, Datagrams | Entropy> =>
  Layer.effect(MediaRelay, Effect.orDie(openRtpengineRelay(options)));

const offer = Effect.fn("media.rtpengine.offer")(function* (relay: Relay, request: MediaRequest) {
  const { options, ng, calls, nowMs } = relay;
  const { call: id, from, toward, sdp } = request;
  if (sdp.media.length > STREAMS_MAX) return yield* refused("limit", `more than ${STREAMS_MAX} streams`);
  const found = calls.get(id);
  const modes = modesOf(sdp, toward, options.insideSpeaks ?? "rtp", found?.modes ?? [], Object.keys(SUITES));
  if (modes.every((mode) => mode === "refused")) return yield* refused("notSecured", "no stream is secured, or can be");
  if (found === undefined && calls.size >= (options.callsMax ?? RTPENGINE_CALLS_MAX))
    return yield* refused("limit", "as many calls are under way as may be");
  const handed = handedOver(sdp, yield* endsOf(options, sdp, otherOf(toward), (i) => modes[i] !== "refused"));
  const isSecured = toward === "outside" || modes.includes("passed");
  const asked: NgRequest = {
    ...commonOf(options, request, handed),
    command: "offer",
    "from-tag": from,
    ...(request.to === undefined ? {} : { "to-tag": request.to }),
    "transport-protocol": isSecured ? "RTP/SAVP" : "RTP/AVP",
    SDES: [...NO_SUITES, "pad"],
  };
  const { server, answer } = yield* Effect.mapError(
    found === undefined
      ? ng.askFirst(asked)
      : Effect.map(ng.ask(found.server, asked), (answer) => ({ server: found.server, answer })),
    unavailable,
  );
  const call = found ?? newCall(server, nowMs());
  const description = yield* sdpIn(answer);
  const shown = cleaned(description, handed, call.hosts[toward], (media, i) =>
    modes[i] === "refused"
      ? "refused"
      : isSecured && (toward === "outside" || modes[i] === "passed")
        ? "secured"
        : media,
  );
  if (typeof shown === "string") return yield* refused("unavailable", shown);
  call.sides.set(from, otherOf(toward));
  if (shown.host !== undefined) call.hosts[toward] = shown.host;
  call.offered = { toward, received: sdp, shown: shown.sdp };
  call.modes = modes;
  calls.set(id, call);
  return shown.sdp;
});

const newCall = (server: NgServer, sinceMs: number): RtpengineCall => ({
  server,
  sinceMs,
  sides: new Map(),
  hosts: {},
  modes: [],
  offered: undefined,
  watched: undefined,
  bad: undefined,
});

const answer = Effect.fn("media.rtpengine.answer")(function* (relay: Relay, request: MediaRequest) {
  const { options, ng, calls } = relay;
  const { call: id, from, to, toward, sdp } = request;
  const call = calls.get(id);
  const offered = call?.offered;
  if (call === undefined || offered === undefined || offered.toward === toward)
    return yield* refused("notAnOffer", "there is no offer that it answers");
  const fault = faultOfAnswer(offered, sdp);
  if (fault !== undefined) return yield* refused(fault, "the answer does not take what was offered");
  const handed = handedOver(sdp, yield* endsOf(options, sdp, offered.toward, (i) => sdp.media[i]!.port !== 0));
  const asked: NgRequest = {
    ...commonOf(options, request, handed),
    command: "answer",
    "from-tag": from,
    "to-tag": to ?? "",
  };
  const reply = yield* Effect.mapError(ng.ask(call.server, asked), unavailable);
  const description = yield* sdpIn(reply);
  const shown = cleaned(description, handed, call.hosts[toward], (media, i) =>
    media.port === 0
      ? "refused"
      : toward === "outside" || offered.received.media[i]!.protocol.includes("SAVP")
        ? "secured"
        : media,
  );
  if (typeof shown === "string") return yield* refused("unavailable", shown);
  // Held against the offer as its end wrote it: rtpengine has chosen the line, or the profile.
  if (faultOfAnswer({ shown: offered.received }, shown.sdp) !== undefined)
    return yield* refused("notSecured", "rtpengine's answer does not take what was offered");
  if (to !== undefined) call.sides.set(to, otherOf(toward));
  if (shown.host !== undefined) call.hosts[toward] = shown.host;
  call.watched ??= yield* relay.watch(id, call);
  call.watched.watch.expect(isHeard(toward, offered.received, sdp));
  return shown.sdp;
});

/** Whether the other company's end is to send: neither end holds. `toward`: the side that has offered. */
const isHeard = (toward: Side, offered: Sdp, answered: Sdp): boolean => {
  const [inside, outside] = toward === "inside" ? [offered, answered] : [answered, offered];
  return answered.media.some(({ port }, i) => {
    const [here, there] = [inside.media[i], outside.media[i]];
    if (port === 0 || here === undefined || there === undefined) return false;
    return endOf(outside, there)?.sends === true && endOf(inside, here)?.receives === true;
  });
};

/** What every offer and answer says: no DTLS, no ICE, our addresses in `o=` and `c=`. */
const commonOf = ({ interfaces }: RtpengineOptions, { call, toward }: MediaRequest, sdp: Sdp) => ({
  "call-id": call,
  sdp: printSdp(sdp),
  DTLS: "off",
  ICE: "remove",
  replace: ["origin", "session-connection"],
  // Strict: once it knows a source it takes no other's packets.
  flags: ["trust-address", "strict-source"],
  ...(interfaces === undefined ? {} : { direction: [interfaces[otherOf(toward)], interfaces[toward]] }),
});

const sdpIn = (answer: NgAnswer): Effect.Effect<Sdp, MediaRefused> => {
  const read = parseSdp(typeof answer.sdp === "string" ? answer.sdp : "");
  return read.ok
    ? Effect.succeed(read.value)
    : Effect.fail(refused("unavailable", `rtpengine's description: ${read.error.why}`));
};
