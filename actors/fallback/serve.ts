/**
 * Hosts what takes calls over SIP to the telephone network: beside the call agent's proxy, in the same process; the media relay
 * may be in another. docs/protocol/media.md#fallback. DECISIONS.md D-173, D-254.
 *
 *   relay: troubled ----+                        +--> agent: messages, hangUp
 *   agent: up, over ----+--> turn(FallbackCore) -+--> relay: offer, settle, move, tell
 *   agent: messages ----+                        +--> counters, log
 */
import { Clock, Effect } from "effect";
import { hexOf } from "../../codecs/shared/mod.ts";
import { headerOf, readDatagram, tagOf } from "../../codecs/sip/mod.ts";
import {
  FallbackCore,
  type FallbackOptions,
  type FallbackOrder,
  type FallbackOutcome,
  type RelayAnswer,
} from "../../machines/fallback/mod.ts";
import { type SipPeer, sipCallKey } from "../../machines/proxy/mod.ts";
import type { ControlledMoves, MediaTrouble } from "../media/mod.ts";
import { Entropy } from "../ports/mod.ts";
import { type AgentFallback, openSteps, type ProxyListen } from "../proxy/mod.ts";

/** Names in messages, and no places: nobody listens there. */
const OWN = { host: "127.0.0.1", port: 2 } as const;
const AGENT = { host: "127.0.0.1", port: 1 } as const;
const MARK_BYTES = 8;
const MEDIA_MS = 1_500;

export interface FallbackSettings
  extends Pick<FallbackOptions, "matchDigits" | "answerMs" | "numbers" | "credentials"> {
  /** Of the relay; asked only once there is a call in trouble. */
  readonly moves: () => ControlledMoves;
}

/** How many calls came to which end, as the caller's side and as the called one. */
export type FallbackCounts = Readonly<Partial<Record<`${"caller" | "callee"} ${FallbackOutcome}`, number>>>;

export interface Fallback {
  /** For the call agent. */
  readonly agent: AgentFallback;
  readonly listen: ProxyListen;
  readonly peer: SipPeer;
  /** For the relay. */
  readonly troubled: (trouble: MediaTrouble) => void;
  readonly counts: () => FallbackCounts;
}

/** Until the scope closes. */
export const openFallback = Effect.fn("fallback.open")(function* (settings: FallbackSettings) {
  const run = Effect.runForkWith(yield* Effect.context<never>());
  const clock = yield* Clock.Clock;
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6;
  const counts: Partial<Record<keyof FallbackCounts, number>> = {};
  let send: (bytes: Uint8Array) => void = () => {};
  let hangUp: (key: string) => void = () => {};

  const ask = (order: Extract<FallbackOrder, { readonly type: "media" }>) => {
    const { id, call } = order;
    const moves = settings.moves();
    const answered = (order.ask === "offer" ? moves.offer(call) : moves.settle(call, order.sdp)).pipe(
      Effect.map((sdp): RelayAnswer => ({ sdp })),
      Effect.timeoutOrElse({ duration: MEDIA_MS, orElse: () => Effect.succeed<RelayAnswer>({ refused: "silent" }) }),
      Effect.catchTag("MediaRefused", ({ reason, why }) =>
        Effect.as(Effect.logInfo("fallback.mediaRefused", { reason, why }), { refused: reason } as RelayAnswer),
      ),
    );
    run(Effect.map(answered, (answer) => turn((core, nowMs) => core.relayed(id, answer, nowMs))));
  };
  const perform = (order: FallbackOrder) => {
    switch (order.type) {
      case "send":
        return send(order.bytes);
      case "media":
        return ask(order);
      case "tell":
        return settings.moves().tell(order.call);
      case "move":
        return void settings.moves().move(order.call);
      case "hangUp":
        return hangUp(order.key);
      case "outcome": {
        const { role, what } = order;
        counts[`${role} ${what}`] = (counts[`${role} ${what}`] ?? 0) + 1;
        return void run(Effect.logInfo(what === "moved" ? "fallback.moved" : "fallback.stayed", { role, what }));
      }
    }
  };
  const mark = hexOf(yield* (yield* Entropy).bytes(MARK_BYTES));
  const { moves, ...wanted } = settings;
  const silence: FallbackOptions["silence"] = (invite) =>
    moves().silence({ callId: headerOf(invite, "Call-ID") ?? "", from: tagOf(invite, "From") ?? "" });
  const options: FallbackOptions = { ...wanted, own: OWN, agent: AGENT, mark, silence };
  const { turn, core } = yield* openSteps(
    (nowMs) => new FallbackCore(options, nowMs),
    (orders: ReadonlyArray<FallbackOrder>) => {
      for (const order of orders) perform(order);
    },
  );
  const received = (bytes: Uint8Array) => {
    const found = readDatagram(bytes);
    if (found !== undefined && "type" in found) turn((core, nowMs) => core.receive(found, nowMs));
  };
  return {
    agent: {
      takes: (invite, trunk) => core.takes(invite, trunk, nowMs()),
      up: (key, role, invite) => turn((core) => core.up(key, role, invite)),
      over: (key) => turn((core, nowMs) => core.over(key, nowMs)),
      start: (given) => {
        hangUp = given;
      },
      stop: () => turn((core, nowMs) => core.stop(nowMs)),
    },
    listen: {
      transport: "UDP",
      ...AGENT,
      side: "fallback",
      inProcess: {
        at: OWN,
        received,
        start: (given) => {
          send = given;
        },
      },
    },
    peer: { name: "fallback", side: "fallback", transport: "UDP", ...OWN },
    troubled: ({ call, dialog, why }) => {
      if (dialog === undefined) return;
      turn((core, nowMs) => core.trouble(sipCallKey(dialog.callId, dialog.from), call, why === "noticed", nowMs));
    },
    counts: () => ({ ...counts }),
  } satisfies Fallback as Fallback;
});
