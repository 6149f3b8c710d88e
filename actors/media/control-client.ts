/**
 * The media relay of a border element in another program, as a call agent has calls moved by it.
 * docs/protocol/media.md#two-programs. DECISIONS.md D-254.
 *
 *   dial, token --> welcome --> orders by id --> answers        trouble --> troubled        quiet --> the last list of it
 *     ^                            |
 *     +--- later and later --- lost: what waits is refused as `unavailable`, and no call is known as quiet
 */
import { Clock, Effect } from "effect";
import { keepNewest } from "../../codecs/shared/mod.ts";
import { parseSdp, printSdp, type Sdp } from "../../codecs/sip/mod.ts";
import { Replies, type RetryMs } from "../kit/mod.ts";
import { Dialer, type DirectStream, directOf } from "../ports/mod.ts";
import { type ControlOrder, type ControlReport, lineReader, printLine, readReport } from "./control-lines.ts";
import { type MediaDialog, type MediaMoves, MediaRefused, type MediaTrouble } from "./relay.ts";

const AGAIN_MS: RetryMs = [500, 15_000];
/** Calls in trouble whose name at the relay is known. */
const TROUBLED_MAX = 1_000;

export interface MediaControlTarget {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** As the relay tells. */
  readonly troubled: (trouble: MediaTrouble) => void;
}

type Answer = Extract<ControlReport, { readonly type: "described" | "refused" }>;
interface Link {
  readonly direct: DirectStream;
  readonly replies: Replies<number, Answer>;
}
interface Quiet {
  readonly media: string;
  readonly ms: number;
  readonly atMs: number;
}

/** Until the scope closes. It is looked for again for as long as it is away. */
export const openMediaControl = Effect.fn("media.controlled")(function* (target: MediaControlTarget) {
  const run = Effect.runForkWith(yield* Effect.context<never>());
  const clock = yield* Clock.Clock;
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6;
  const dialer = yield* Dialer;
  /** Calls in trouble, as the relay names them. */
  const names = new Map<string, string>();
  let quiet: ReadonlyMap<string, Quiet> = new Map();
  let link: Link | undefined;
  let wasThere = false;

  const heard = (from: Link, report: ControlReport) => {
    switch (report.type) {
      case "welcome":
        link = from;
        return;
      case "described":
      case "refused":
        return void run(from.replies.answer(report.id, report));
      case "trouble":
        keepNewest(names, TROUBLED_MAX, keyOf(report.dialog), report.call);
        return target.troubled({ call: report.call, dialog: report.dialog, why: report.why });
      case "quiet": {
        const atMs = nowMs();
        quiet = new Map(report.calls.map(({ dialog, call: media, ms }) => [keyOf(dialog), { media, ms, atMs }]));
      }
    }
  };
  /** Gives why it has ended. */
  const connected = Effect.gen(function* () {
    wasThere = false;
    const direct = yield* directOf(yield* dialer.dial({ host: target.host, port: target.port }));
    const from: Link = { direct, replies: new Replies() };
    const lines = lineReader();
    direct.put(printLine({ type: "token", token: target.token }));
    const ended = direct.each((chunk) => {
      for (const line of lines(chunk) ?? [""]) {
        const report = readReport(line);
        if (report === undefined) return "a line is no report";
        heard(from, report);
      }
      return undefined;
    });
    const lost = Effect.suspend(() => {
      wasThere = link === from;
      link = undefined;
      quiet = new Map();
      return from.replies.end({ type: "refused", id: 0, ...AWAY });
    });
    return yield* Effect.ensuring(ended, lost);
  }).pipe(
    Effect.scoped,
    Effect.catchTag(["DialFailed", "StreamClosed"], ({ why }) => Effect.succeed(why)),
    Effect.map((why): Ended => ({ why, wasThere })),
  );
  yield* Effect.forkScoped(lookedFor(connected));

  const ask = (order: (id: number) => ControlOrder): Effect.Effect<Sdp, MediaRefused> =>
    Effect.suspend(() => {
      if (link === undefined) return Effect.fail(new MediaRefused(AWAY));
      const { direct, replies } = link;
      const id = replies.nextRef();
      const asking = Effect.sync(() => direct.put(printLine(order(id))));
      return Effect.flatMap(replies.ask(id, asking), described);
    });
  const order = (what: ControlOrder) => link?.direct.put(printLine(what)) ?? false;
  return {
    offer: (call) => ask((id) => ({ type: "offer", id, call })),
    settle: (call, sdp) => ask((id) => ({ type: "settle", id, call, sdp: printSdp(sdp) })),
    move: (call) => order({ type: "move", call }),
    tell: (call) => void order({ type: "tell", call }),
    silence: (dialog) => {
      const found = quiet.get(keyOf(dialog));
      if (found !== undefined) return { media: found.media, ms: found.ms + nowMs() - found.atMs };
      const media = names.get(keyOf(dialog));
      return media === undefined ? undefined : { media, ms: 0 };
    },
  } satisfies ControlledMoves as ControlledMoves;
});

/** What a call agent asks of a relay. */
export type ControlledMoves = Omit<MediaMoves, "quiet">;

const AWAY = { reason: "unavailable", why: "the border element's relay is not there" } as const;
const keyOf = ({ callId, from }: MediaDialog): string => `${callId} ${from}`;

const described = (answer: Answer): Effect.Effect<Sdp, MediaRefused> => {
  if (answer.type === "refused") return Effect.fail(new MediaRefused(answer));
  const sdp = parseSdp(answer.sdp);
  return sdp.ok
    ? Effect.succeed(sdp.value)
    : Effect.fail(new MediaRefused({ reason: "unavailable", why: sdp.error.why }));
};

interface Ended {
  readonly why: string;
  readonly wasThere: boolean;
}
/** Again and again; why it is away is said once each time. */
const lookedFor = Effect.fnUntraced(function* (connected: Effect.Effect<Ended>) {
  const [firstMs, longestMs] = AGAIN_MS;
  let [ms, isSaid] = [firstMs, false];
  while (true) {
    const { why, wasThere } = yield* connected;
    if (wasThere) [ms, isSaid] = [firstMs, false];
    if (!isSaid) yield* Effect.logWarning("media.control.away", why);
    isSaid = true;
    yield* Effect.sleep(ms);
    ms = Math.min(2 * ms, longestMs);
  }
});
