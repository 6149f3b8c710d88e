/**
 * Our own media relay: RTP inside, SRTP outside, in this process. For tens of calls; more are rtpengine's. docs/protocol/media.md
 *
 *   offer  --> streams: refused | srtp | passed --> ports, keys --> shown to the other side
 *   answer --> settled against what was shown   --> paths open  --> shown to the offerer
 *   end    --> sockets closed, keys zeroed
 *
 * What an offer asks for takes effect with its answer: one that is refused changes nothing. RFC 3264 §8.
 * Requirements: ViPR overview §6.3.
 */
import { Clock, Effect, Layer } from "effect";
import { type StreamEnd, shownAs } from "../../codecs/sip/mod.ts";
import { modesOf, type Offered, settledBy, shownAnswer, shownOffer } from "../../machines/media/mod.ts";
import type { Datagrams, Entropy } from "../ports/mod.ts";
import {
  type Call,
  type Calls,
  callOf,
  DEFAULT_SUITES,
  type EmbeddedOptions,
  endCall,
  endsOf,
  refused,
  shownHost,
  streamOf,
  watchCall,
} from "./call.ts";
import { agreedOf, movesOf } from "./moves.ts";
import { MediaRelay, type MediaRelayShape, type MediaRequest, type Side } from "./relay.ts";
import { reportOf } from "./report.ts";
import { ownKeys, settle } from "./stream.ts";

/** Of one description: a telephone has one or two. */
export const STREAMS_MAX = 8;

const otherOf = (side: Side): Side => (side === "inside" ? "outside" : "inside");

/** Until the scope closes, which ends all calls. */
export const openEmbeddedRelay = Effect.fn("media.embedded")(function* (options: EmbeddedOptions) {
  const clock = yield* Clock.Clock;
  const context = yield* Effect.context<Datagrams | Entropy>();
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6;
  const calls: Calls = { options, nowMs, around: yield* Effect.scope, table: new Map() };
  yield* Effect.addFinalizer(() => Effect.forEach([...calls.table.keys()], (id) => endCall(calls, id)));
  const reports = Effect.sync(() => {
    const offsetMs = clock.currentTimeMillisUnsafe() - nowMs();
    return [...calls.table.values()].map((call) => reportOf(call, offsetMs));
  });
  return {
    offer: (request) => Effect.provideContext(offer(calls, request), context),
    answer: (request) => Effect.provideContext(answer(calls, request), context),
    end: (id) => endCall(calls, id),
    calls: reports,
    moves: movesOf(calls, context),
  } satisfies MediaRelayShape as MediaRelayShape;
});

export const embeddedRelay = (options: EmbeddedOptions): Layer.Layer<MediaRelay, never, Datagrams | Entropy> =>
  Layer.effect(MediaRelay, openEmbeddedRelay(options));

const offer = Effect.fn("media.offer")(function* (calls: Calls, request: MediaRequest) {
  const { call: id, toward, sdp, dialog } = request;
  if (sdp.media.length > STREAMS_MAX) return yield* refused("limit", `more than ${STREAMS_MAX} streams`);
  const { insideSpeaks = "rtp", suites = DEFAULT_SUITES } = calls.options;
  const before = calls.table.get(id)?.streams.map((stream) => stream?.settled?.mode ?? "refused") ?? [];
  const modes = modesOf(sdp, toward, insideSpeaks, before, suites);
  if (modes.every((mode) => mode === "refused")) return yield* refused("notSecured", "no stream is secured, or can be");
  const ends = yield* endsOf(calls.options, sdp, otherOf(toward), (i) => modes[i] !== "refused");
  const call = yield* callOf(calls, id, dialog);
  const shown = Effect.gen(function* () {
    call.isIpv6[otherOf(toward)] = ends.find((end) => end !== undefined)!.rtp.host.includes(":");
    const streams = yield* Effect.forEach(sdp.media, (media, i) =>
      modes[i] === "refused"
        ? Effect.succeed(shownOffer(media, "refused", toward, 0, undefined))
        : Effect.map(streamOf(calls, call, i, media.kind), ({ pairs, own }) =>
            shownOffer(media, modes[i]!, toward, pairs[toward].port, own),
          ),
    );
    return shownAs(sdp, yield* shownHost(calls, call, toward), streams);
  });
  // A call that never was an offer leaves nothing behind.
  const given = yield* Effect.onError(shown, () => (call.offered === undefined ? endCall(calls, id) : Effect.void));
  call.offered = { toward, received: sdp, modes, shown: given };
  return given;
});

const answer = Effect.fn("media.answer")(function* (calls: Calls, { call: id, toward, sdp }: MediaRequest) {
  const call = calls.table.get(id);
  const offered = call?.offered;
  if (call === undefined || offered === undefined || offered.toward === toward)
    return yield* refused("notAnOffer", "there is no offer that it answers");
  yield* renewKeys(calls, call, offered);
  const all = settledBy(offered, sdp, (i) => call.streams[i]?.own);
  if (typeof all === "string") return yield* refused(all, "the answer does not take what was offered");
  const isUsed = (i: number) => all[i]!.mode !== "refused";
  const answering = yield* endsOf(calls.options, sdp, offered.toward, isUsed);
  const offering = yield* endsOf(calls.options, offered.received, toward, isUsed);
  const host = yield* shownHost(calls, call, toward);
  for (const [i, settled] of all.entries()) {
    const stream = call.streams[i];
    if (stream !== undefined) yield* settle(stream, settled, endsFor(toward, offering[i], answering[i]), calls.nowMs());
  }
  const isSent = all
    .map((_, i) => endsFor(toward, offering[i], answering[i]))
    .some((ends) => ends?.outside.sends && ends.inside.receives);
  (yield* watchCall(calls, call)).expect(isSent);
  call.expectedSinceMs = isSent ? (call.expectedSinceMs ?? calls.nowMs()) : undefined;
  call.agreed = all.map(({ mode }, i) => (mode === "srtp" ? agreedOf(offered, sdp, i) : undefined));
  const shown = all.map((settled, i) => shownAnswer(offered, i, settled, call.streams[i]?.pairs[toward].port ?? 0));
  return shownAs(sdp, host, shown);
});
const endsFor = (offerer: Side, one: StreamEnd | undefined, other: StreamEnd | undefined) => {
  if (one === undefined || other === undefined) return undefined;
  return offerer === "inside" ? { inside: one, outside: other } : { inside: other, outside: one };
};

/** Whose keys are new has begun to count anew, and we with it: it may be another end. RFC 4568 §7.1.4. */
const renewKeys = Effect.fn("media.renewKeys")(function* (calls: Calls, call: Call, { toward, received }: Offered) {
  if (toward === "outside") return;
  for (const [i, stream] of call.streams.entries()) {
    const media = received.media[i];
    const old = stream?.settled;
    if (stream === undefined || media === undefined || old?.mode !== "srtp") continue;
    const known = old.receive.map(({ keySalt }) => keySalt);
    const isSame = media.lines.some(({ value }) => known.some((keySalt) => value.includes(keySalt)));
    if (!isSame) stream.own = yield* ownKeys(calls.options.suites ?? DEFAULT_SUITES);
  }
});
