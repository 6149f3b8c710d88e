/**
 * Numbers stored one by one, at the overlay's pace. draft-jennings-vipr-vap-02 §9.4.2 (Store Rate Limit),
 * docs/protocol/overlay.md#storage (policing, lifetime).
 *
 *        publish, refill, refresh (queue grows)              stored: report, keep
 *               +---+                             +----------------------------------+
 *               v   |                             v                                  |
 *          o -> ready -- a number, a token: store --> storing -- storeFailed --> paused -- pause over --> ready
 *                 |             (the last try: report, ready) ------^               |
 *                 +------------------------- stopped <-------------------------------+
 *
 * Tokens come back one at a time, so that whatever is asked the overlay sees at most `storesPerSecond`. A failed store
 * stops the whole queue for a while: it is the overlay that is away, not the number. What was stored is stored again
 * after two thirds of its lifetime, some sooner and some later; what the overlay has already when it is published, as after
 * a restart, waits for its time.
 */
import { setup } from "xstate";
import type { E164 } from "../../codecs/shared/mod.ts";
import { declared, machineOf } from "../kit/mod.ts";
import {
  dropVService,
  enqueue,
  isLastTry,
  next,
  refill,
  refresh,
  settleFailed,
  settleStored,
  stopAll,
} from "./publisher-queue.ts";

export interface VapPublisherInput {
  readonly storesPerSecond: number;
  /** Tokens that may be saved up. */
  readonly burst: number;
  /** How long the overlay keeps a number; undefined when somebody else refreshes. */
  readonly lifetimeMs: number | undefined;
  /** How long to leave the overlay alone after a failure. */
  readonly pauseMs: readonly [min: number, max: number];
}
export interface Publication {
  /** 0: nobody waits, as for a refresh. */
  readonly ref: number;
  readonly vservice: bigint;
  readonly number: E164;
  readonly attempts: number;
  /** Its VService went away while it was being stored. */
  readonly withdrawn?: true;
}
export interface VapPublisherContext extends VapPublisherInput {
  readonly queue: ReadonlyArray<Publication>;
  readonly storing: Publication | undefined;
  readonly tokens: number;
  /** What is due first stands first. */
  readonly kept: ReadonlyArray<{ readonly vservice: bigint; readonly number: E164; readonly dueAtMs: number }>;
  readonly refilling: boolean;
  readonly refreshing: boolean;
}
export type VapPublisherEvent =
  | {
      readonly type: "publish";
      readonly ref: number;
      readonly vservice: bigint;
      readonly number: E164;
      /** The overlay has it already: when it is to be stored again, and the hour now. */
      readonly held?: { readonly dueAtMs: number; readonly atMs: number };
    }
  | { readonly type: "withdraw"; readonly vservice: bigint }
  /** `draw`: 0 to 1, uniform, another each time. */
  | { readonly type: "stored"; readonly atMs: number; readonly draw: number }
  | { readonly type: "storeFailed"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: "refill" | "refresh" | "pause"; readonly atMs: number }
  | { readonly type: "stop" };
export type VapPublisherAction =
  | { readonly type: "store"; readonly vservice: bigint; readonly number: E164 }
  | { readonly type: "report"; readonly ref: number; readonly outcome: PublishOutcome }
  | {
      readonly type: "startTimer";
      readonly timer: "refill" | "refresh" | "pause";
      readonly betweenMs: readonly [min: number, max: number];
    }
  | { readonly type: "stopTimer"; readonly timer: "refill" | "refresh" | "pause" }
  | { readonly type: "note"; readonly unexpected: string };
export type PublishOutcome = { readonly type: "stored" } | { readonly type: "failed"; readonly why: string };

type Context = { readonly context: VapPublisherContext };

export const vapPublisher = machineOf<VapPublisherAction>()(
  setup({
    types: {
      input: {} as VapPublisherInput,
      context: {} as VapPublisherContext,
      events: {} as VapPublisherEvent,
    },
    actions: declared<VapPublisherAction>({
      store: true,
      report: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
  }).createMachine({
    id: "vapPublisher",
    context: ({ input }) => ({
      ...input,
      queue: [],
      storing: undefined,
      tokens: input?.burst,
      kept: [],
      refilling: false,
      refreshing: false,
    }),
    initial: "ready",
    on: {
      publish: { actions: enqueue },
      withdraw: { actions: dropVService },
      timerFired: [
        { guard: ({ event }) => event.timer === "refill", actions: refill },
        { guard: ({ event }) => event.timer === "refresh", actions: refresh },
        { actions: { type: "note", params: { unexpected: "timerFired" } } },
      ],
      stop: { target: ".stopped", actions: stopAll },
      "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } },
    },
    states: {
      ready: { always: { guard: ({ context }: Context) => hasWork(context), target: "storing" } },
      storing: {
        entry: next,
        on: {
          stored: { target: "ready", actions: settleStored },
          storeFailed: [
            {
              guard: ({ context }) => isLastTry(context.storing!),
              target: "ready",
              actions: settleFailed,
            },
            { target: "paused", actions: settleFailed },
          ],
        },
      },
      paused: {
        entry: {
          type: "startTimer",
          params: ({ context }) => ({ timer: "pause" as const, betweenMs: context.pauseMs }),
        },
        on: {
          timerFired: { guard: ({ event }) => event.timer === "pause", target: "ready" },
          stop: { target: "stopped", actions: [{ type: "stopTimer", params: { timer: "pause" } }, stopAll] },
        },
      },
      stopped: { type: "final" },
    },
  }),
);

const hasWork = ({ queue, tokens }: VapPublisherContext): boolean => queue.length > 0 && tokens > 0;
