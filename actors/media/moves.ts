/**
 * A call's media on their way to the telephone network: ports for it, what it is offered, and the move itself.
 * docs/protocol/media.md#fallback. DECISIONS.md D-170.
 *
 *   offer  --> ports --> what the telephone has agreed on, in the clear       we call
 *   settle <-- its answer, or its offer: codecs in common, where its end is
 *   move   --> the sound goes there; every other stream is shut
 */
import { Clock, type Context, Effect, Scope } from "effect";
import { printNotice } from "../../codecs/rtp/mod.ts";
import { endOf, type Sdp } from "../../codecs/sip/mod.ts";
import {
  agreedMedia,
  type Offered,
  refusedBut,
  sharedMedia,
  soundIn,
  trunkDescription,
} from "../../machines/media/mod.ts";
import type { Datagrams, Entropy } from "../ports/mod.ts";
import { type Call, type Calls, refused } from "./call.ts";
import type { MediaDialog, MediaMoves, QuietCall } from "./relay.ts";
import { sendBy } from "./stream.ts";

/** What the telephone inside has agreed on for that stream. `answer`: to `offered`. */
export const agreedOf = ({ toward, received }: Offered, answer: Sdp, i: number) => {
  const [inside, outside] =
    toward === "outside" ? [received.media[i], answer.media[i]] : [answer.media[i], received.media[i]];
  return inside === undefined || outside === undefined ? undefined : agreedMedia(inside, outside);
};

export const movesOf = (calls: Calls, context: Context.Context<Datagrams | Entropy>): MediaMoves => ({
  offer: (id) => Effect.provideContext(offer(calls, id), context),
  settle: (id, sdp) => Effect.provideContext(settle(calls, id, sdp), context),
  move: (id) => move(calls.table.get(id)),
  tell: (id) => tell(calls, id),
  silence: (dialog) => silence(calls, dialog),
  quiet: (ms) => quietOf(calls, ms),
});

/** The call, its stream of sound, and our address for the telephone network of that family. */
const soundOf = Effect.fnUntraced(function* ({ table, options }: Calls, id: string, isIpv6: boolean | undefined) {
  const call = table.get(id);
  const i = call?.agreed.findIndex((media) => media?.kind === "audio") ?? -1;
  const agreed = call?.agreed[i];
  const stream = call?.streams[i];
  if (call === undefined || agreed === undefined || stream === undefined)
    return yield* refused("notAnOffer", "the call has no sound that we can open");
  const { trunk = options.inside } = options;
  const address = isIpv6 === undefined ? trunk[0] : trunk.find(({ host }) => host.includes(":") === isIpv6);
  if (address === undefined) return yield* refused("badAddress", "the relay has no such address for trunks");
  stream.pairs.trunk ??= yield* Scope.provide(stream.openTrunk(address.host), call.scope);
  return { call, i, agreed, stream, at: { host: address.advertise ?? address.host, port: stream.pairs.trunk.port } };
});

const offer = Effect.fn("media.offerTrunk")(function* (calls: Calls, id: string) {
  const { agreed, at } = yield* soundOf(calls, id, undefined);
  return trunkDescription(agreed, { ...at, version: 1 }, []);
});

const settle = Effect.fn("media.settleTrunk")(function* (calls: Calls, id: string, sdp: Sdp) {
  const sound = soundIn(sdp);
  const media = sdp.media[sound];
  const end = media && endOf(sdp, media);
  if (media === undefined) return yield* refused("noCodec", "it has no sound in the clear");
  if (end === undefined) return yield* refused("badAddress", "it names no IP address");
  const { call, i, agreed, at } = yield* soundOf(calls, id, end.rtp.host.includes(":"));
  const shared = sharedMedia(agreed, media);
  if (shared === undefined) return yield* refused("noCodec", "the telephone has none of its codecs");
  call.trunkEnd = { stream: i, end };
  if (call.isMoved) move(call);
  const version = Math.round((yield* Clock.currentTimeMillis) / 1_000);
  return trunkDescription(shared, { ...at, version }, refusedBut(sdp, sound));
});

const move = (call: Call | undefined): boolean => {
  if (call?.trunkEnd === undefined) return false;
  const { stream: sound, end } = call.trunkEnd;
  call.isMoved = true;
  for (const [i, stream] of call.streams.entries())
    if (i === sound) stream?.path.moveTo(end);
    else stream?.path.shut();
  return true;
};

/** By the way of RTCP, under the keys of the call. Of several streams by each. */
const tell = ({ table, nowMs }: Calls, id: string): void => {
  for (const stream of table.get(id)?.streams ?? []) {
    if (stream?.settled?.mode !== "srtp") continue;
    const forward = stream.path.tell(printNotice(stream.ssrc), nowMs());
    if (typeof forward !== "string") sendBy(stream, forward);
  }
};

const silence = ({ table, nowMs }: Calls, { callId, from }: MediaDialog) => {
  for (const call of table.values())
    if (call.dialog?.callId === callId && call.dialog.from === from)
      return { media: call.id, ms: silentMs(call, nowMs()) };
  return undefined;
};

const quietOf = ({ table, nowMs }: Calls, atLeastMs: number): ReadonlyArray<QuietCall> => {
  const found: Array<QuietCall> = [];
  for (const call of table.values()) {
    const ms = call.dialog === undefined ? 0 : silentMs(call, nowMs());
    if (ms >= atLeastMs) found.push({ call: call.id, dialog: call.dialog!, ms });
  }
  return found;
};

/** For how long nothing has come from outside that should. */
const silentMs = ({ expectedSinceMs, streams }: Call, nowMs: number): number => {
  if (expectedSinceMs === undefined) return 0;
  const seen = streams.map((stream) => stream?.path.figures("outside").lastSeenMs ?? expectedSinceMs);
  return nowMs - Math.max(expectedSinceMs, ...seen);
};
