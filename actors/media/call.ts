/** The calls of our relay: the table of them, and what one of them holds. */
import { Effect, Exit, Scope } from "effect";
import type { Sdp, SdpMedia, StreamEnd, SuiteName } from "../../codecs/sip/mod.ts";
import { endOf, isReachable } from "../../codecs/sip/mod.ts";
import {
  type BadMedia,
  type Offered,
  QUALITY_DEFAULTS,
  type QualityInput,
  type Sample,
} from "../../machines/media/mod.ts";
import type { PortRange } from "./ports.ts";
import { type QualityWatch, watchQuality } from "./quality.ts";
import { MediaRefused, type MediaTrouble, type Side } from "./relay.ts";
import { type MediaStream, openStream } from "./stream.ts";

/** An address of this machine, and the one by which others reach it, where that is another. */
export interface RelayAddress {
  readonly host: string;
  readonly advertise?: string;
}

export interface EmbeddedOptions {
  /** One or two: IPv4, IPv6. The first is offered to an end whose family is not known yet. */
  readonly inside: ReadonlyArray<RelayAddress>;
  readonly outside: ReadonlyArray<RelayAddress>;
  readonly ports: PortRange;
  /** What telephones inside are offered: plain RTP (default), or the other company's SRTP, unopened. */
  readonly insideSpeaks?: "rtp" | "srtp";
  /** That we offer, best first, and take. */
  readonly suites?: ReadonlyArray<SuiteName>;
  readonly callsMax?: number;
  /** Ends outside may have addresses of private networks: in laboratories, and where companies share a network. */
  readonly privateOutside?: boolean;
  /** When the media of a call are bad, and for how long: the log says so, and `calls`. */
  readonly quality?: QualityInput;
  /** Its addresses for the telephone network, where calls may be moved there. Default: those inside. */
  readonly trunk?: ReadonlyArray<RelayAddress>;
  /** Told when the media of a call are bad, once, and each time that the other relay tells so. Must not throw. */
  readonly troubled?: (trouble: MediaTrouble) => void;
  /** Telephones inside may send from other hosts than they say, as behind a NAT. */
  readonly trustsInside?: boolean;
}

/** A process of ours carries some 30 calls with ease: this is what it refuses, not what it does well. */
export const CALLS_MAX = 500;
/** Where there are CALLS_MAX, one in which nothing has come for so long gives way: its BYE was lost. */
const IDLE_MS_MAX = 7_200_000;
/** ... and one that nobody has answered for so long: no telephone rings longer. */
const UNANSWERED_MS_MAX = 300_000;
export const DEFAULT_SUITES: ReadonlyArray<SuiteName> = [
  "AES_CM_128_HMAC_SHA1_80",
  "AES_256_CM_HMAC_SHA1_80",
  "AES_CM_128_HMAC_SHA1_32",
  "AES_256_CM_HMAC_SHA1_32",
];

export interface Call {
  readonly id: string;
  readonly sinceMs: number;
  readonly scope: Scope.Closeable;
  readonly dialog: MediaTrouble["dialog"];
  readonly streams: Array<MediaStream | undefined>;
  /** The family of each side, as its last description says. */
  readonly isIpv6: Partial<Record<Side, boolean>>;
  offered: Offered | undefined;
  watch: QualityWatch | undefined;
  bad: BadMedia | undefined;
  /** Since when the other end is to send; undefined: it is not, as on hold. */
  expectedSinceMs: number | undefined;
  /** What the telephone inside has agreed on, stream by stream: its own lines, of the formats that both ends have. */
  agreed: ReadonlyArray<SdpMedia | undefined>;
  /** The telephone network's end of its sound, once that is settled; and whether the call has gone there. */
  trunkEnd: { readonly stream: number; readonly end: StreamEnd } | undefined;
  isMoved: boolean;
}

export interface Calls {
  readonly options: EmbeddedOptions;
  readonly nowMs: () => number;
  readonly around: Scope.Scope;
  readonly table: Map<string, Call>;
}

export const refused = (reason: MediaRefused["reason"], why: string) => new MediaRefused({ reason, why });

export const endCall = ({ table }: Calls, id: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    const call = table.get(id);
    table.delete(id);
    return call === undefined ? Effect.void : Scope.close(call.scope, Exit.void);
  });

/** The call of that name, which may be new. */
export const callOf = Effect.fn("media.call")(function* (calls: Calls, id: string, dialog?: MediaTrouble["dialog"]) {
  const { table, options, nowMs } = calls;
  const { callsMax = CALLS_MAX } = options;
  const found = table.get(id);
  if (found !== undefined) return found;
  if (table.size >= callsMax) {
    const idle = [...table.values()].find((call) => isIdle(call, nowMs()));
    if (idle === undefined) return yield* refused("limit", `${callsMax} calls are under way`);
    yield* endCall(calls, idle.id);
  }
  const scope = yield* Scope.fork(calls.around);
  const call: Call = {
    id,
    sinceMs: nowMs(),
    scope,
    dialog,
    streams: [],
    isIpv6: {},
    offered: undefined,
    watch: undefined,
    bad: undefined,
    expectedSinceMs: undefined,
    agreed: [],
    trunkEnd: undefined,
    isMoved: false,
  };
  table.set(id, call);
  return call;
});
const isIdle = ({ sinceMs, streams }: Call, nowMs: number): boolean => {
  const seen = streams.flatMap((stream) =>
    stream === undefined
      ? []
      : (["inside", "outside"] as const).map((side) => stream.path.figures(side).lastSeenMs ?? 0),
  );
  const isAnswered = streams.some((stream) => stream?.settled !== undefined);
  return nowMs - Math.max(sinceMs, ...seen) > (isAnswered ? IDLE_MS_MAX : UNANSWERED_MS_MAX);
};

/** Ours on that side, of the family that its end has shown. */
const addressOf = ({ options }: Calls, call: Call, side: Side): RelayAddress | undefined => {
  const isIpv6 = call.isIpv6[side];
  return isIpv6 === undefined ? options[side][0] : options[side].find(({ host }) => host.includes(":") === isIpv6);
};
const NO_FAMILY = "an end is of a family of addresses that the relay has none of";

/** Our address as that side is shown it. */
export const shownHost = (calls: Calls, call: Call, side: Side): Effect.Effect<string, MediaRefused> => {
  const address = addressOf(calls, call, side);
  return address === undefined
    ? Effect.fail(refused("badAddress", NO_FAMILY))
    : Effect.succeed(address.advertise ?? address.host);
};

/** The stream at that place of the call's descriptions, which may be new. */
export const streamOf = Effect.fn("media.stream")(function* (calls: Calls, call: Call, i: number, kind: string) {
  const found = call.streams[i];
  if (found !== undefined) return found;
  const [inside, outside] = [addressOf(calls, call, "inside"), addressOf(calls, call, "outside")];
  if (inside === undefined || outside === undefined) return yield* refused("badAddress", NO_FAMILY);
  const { ports, trustsInside = false, suites = DEFAULT_SUITES } = calls.options;
  const hosts = { inside: inside.host, outside: outside.host };
  const { nowMs } = calls;
  const noticed = () => calls.options.troubled?.({ call: call.id, dialog: call.dialog, why: "noticed" });
  const opening = openStream({ kind, hosts, ports, suites, trustsInside, nowMs, noticed });
  const stream = yield* Scope.provide(opening, call.scope);
  call.streams[i] = stream;
  return stream;
});

/** Where the streams in use want their media; undefined for the others. */
export const endsOf = (
  options: { readonly privateOutside?: boolean },
  sdp: Sdp,
  side: Side,
  isUsed: (i: number) => boolean,
): Effect.Effect<ReadonlyArray<StreamEnd | undefined>, MediaRefused> =>
  Effect.forEach(sdp.media, (media, i) => {
    if (!isUsed(i)) return Effect.succeed(undefined);
    const end = endOf(sdp, media);
    if (end === undefined) return Effect.fail(refused("badAddress", `stream ${i + 1} names no IP address`));
    return side === "outside" && options.privateOutside !== true && !isReachable(end)
      ? Effect.fail(refused("badAddress", `stream ${i + 1} names an address that is not the Internet's`))
      : Effect.succeed(end);
  });

/** From the first answer on, by the counters of the leg outside. */
export const watchCall = Effect.fn("media.watch")(function* ({ options }: Calls, call: Call) {
  if (call.watch !== undefined) return call.watch;
  const log = Effect.runForkWith(yield* Effect.context<never>());
  const bad = (why: BadMedia) => {
    call.bad = why;
    log(Effect.logWarning("media.bad", { why }));
    options.troubled?.({ call: call.id, dialog: call.dialog, why });
  };
  const watching = watchQuality(options.quality ?? QUALITY_DEFAULTS, () => sampleOf(call), bad);
  const watch = yield* Scope.provide(watching, call.scope);
  call.watch = watch;
  return watch;
});
/** Reports count as packets: one who sends comfort noise, or nothing, is there. */
const sampleOf = ({ streams }: Call): Sample => {
  let [packets, lost] = [0, 0];
  let reportedLoss: number | undefined;
  for (const stream of streams) {
    if (stream === undefined) continue;
    const [from, to] = [stream.path.figures("outside"), stream.path.figures("inside")];
    packets += from.packets + from.reports;
    lost += from.lost;
    if (to.reportedLoss !== undefined) reportedLoss = Math.max(reportedLoss ?? 0, to.reportedLoss);
  }
  return { packets, lost, reportedLoss };
};
