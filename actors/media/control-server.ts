/**
 * The media relay of a border element, for call agents in other programs: told of calls in trouble, they have them moved to the
 * telephone network. docs/protocol/media.md#two-programs. DECISIONS.md D-254.
 *
 *   agent: token -- right --> welcome --> offer, settle, move, tell --> MediaMoves
 *            | wrong, late          <--- trouble; quiet, each second
 *            +--> closed
 */
import { Effect, type Scope } from "effect";
import { equalSecrets, utf8 } from "../../codecs/shared/mod.ts";
import { parseSdp, printSdp } from "../../codecs/sip/mod.ts";
import {
  type ByteStreamShape,
  type DirectStream,
  directOf,
  Listener,
  type ListenFailed,
  type Listening,
} from "../ports/mod.ts";
import { type ControlOrder, type ControlReport, lineReader, printLine, readOrder } from "./control-lines.ts";
import { type MediaMoves, MediaRefused, type MediaTrouble } from "./relay.ts";

const AGENTS_MAX = 16;
/** To say the token. */
const TOKEN_MS = 5_000;
/** Of one agent: it waits for each but a few. */
const ASKED_MAX = 256;
const QUIET_EVERY_MS = 1_000;
/** A call is told of as quiet from then on: half of what makes one expected. */
const QUIET_MS = 5_000;

export interface MediaControlOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly token: string;
  /** Of the relay; asked only once an agent asks. */
  readonly moves: () => MediaMoves;
}

export interface MediaControl {
  readonly listening: Listening;
  /** For the relay. */
  readonly troubled: (trouble: MediaTrouble) => void;
}

interface Agent {
  readonly direct: DirectStream;
  readonly token: Uint8Array;
  readonly moves: () => MediaMoves;
  asked: number;
  isKnown: boolean;
}

/** Until the scope closes. */
export const serveMediaControl = Effect.fn("media.control")(function* ({
  host,
  port,
  token,
  moves,
}: MediaControlOptions): Effect.fn.Return<MediaControl, ListenFailed, Listener | Scope.Scope> {
  const agents = new Set<Agent>();
  const run = Effect.runForkWith(yield* Effect.context<never>());
  const report = (what: ControlReport) => {
    const line = printLine(what);
    for (const agent of agents) if (agent.isKnown) agent.direct.put(line);
  };
  const serve = Effect.fn("media.control.agent")(function* (stream: ByteStreamShape) {
    const agent: Agent = { direct: yield* directOf(stream), token: utf8(token), moves, asked: 0, isKnown: false };
    agents.add(agent);
    const lines = lineReader();
    const ended = agent.direct.each((chunk) => {
      for (const line of lines(chunk) ?? [""]) {
        const fault = obey(agent, readOrder(line), run);
        if (fault !== undefined) return fault;
      }
      return undefined;
    });
    const late = Effect.andThen(
      Effect.sleep(TOKEN_MS),
      Effect.suspend(() => (agent.isKnown ? Effect.never : Effect.succeed("no token came"))),
    );
    const why = yield* Effect.ensuring(
      Effect.raceFirst(ended, late),
      Effect.sync(() => agents.delete(agent)),
    );
    yield* Effect.logWarning("media.control.closed", why);
  });
  const listening = yield* (yield* Listener).listen({ host, port, streamsMax: AGENTS_MAX }, (stream) =>
    Effect.ignore(Effect.scoped(serve(stream))),
  );
  const quiet = Effect.sync(() => {
    if (agents.size > 0) report({ type: "quiet", calls: moves().quiet(QUIET_MS) });
  });
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(QUIET_EVERY_MS), quiet)));
  return {
    listening,
    troubled: ({ call, dialog, why }) => {
      if (dialog !== undefined) report({ type: "trouble", call, dialog, why });
    },
  } satisfies MediaControl as MediaControl;
});

/** Why the agent is not listened to any longer; undefined: it is. */
const obey = (
  agent: Agent,
  order: ControlOrder | undefined,
  run: (effect: Effect.Effect<void>) => unknown,
): string | undefined => {
  if (order === undefined) return "a line is no order";
  if (order.type === "token") {
    if (!equalSecrets(utf8(order.token), agent.token)) return "the token is another";
    agent.isKnown = true;
    agent.direct.put(printLine({ type: "welcome" }));
    return undefined;
  }
  if (!agent.isKnown) return "no token came first";
  const moves = agent.moves();
  switch (order.type) {
    case "move":
      moves.move(order.call);
      return undefined;
    case "tell":
      moves.tell(order.call);
      return undefined;
    case "offer":
    case "settle": {
      if (agent.asked >= ASKED_MAX) return "too much is asked at once";
      agent.asked += 1;
      const { id } = order;
      const answered = asked(moves, order).pipe(
        Effect.map((sdp): ControlReport => ({ type: "described", id, sdp: printSdp(sdp) })),
        Effect.catchTag("MediaRefused", ({ reason, why }) =>
          Effect.succeed<ControlReport>({ type: "refused", id, reason, why }),
        ),
        Effect.map((answer) => {
          agent.asked -= 1;
          agent.direct.put(printLine(answer));
        }),
      );
      run(answered);
      return undefined;
    }
  }
};

const asked = (moves: MediaMoves, order: Extract<ControlOrder, { readonly type: "offer" | "settle" }>) => {
  if (order.type === "offer") return moves.offer(order.call);
  const sdp = parseSdp(order.sdp);
  if (sdp.ok) return moves.settle(order.call, sdp.value);
  return Effect.fail(new MediaRefused({ reason: "noCodec", why: sdp.error.why }));
};
