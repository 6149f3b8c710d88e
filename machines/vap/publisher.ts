/**
 * Numbers stored one by one, no faster than the overlay allows. draft-jennings-vipr-vap-02 §9.4.2 (Store Rate Limit),
 * docs/protocol/overlay.md#storage (policing, lifetime).
 *
 *        publish, refill, refresh (queue grows)           stored: report, wait for its refresh
 *               +---+                             +----------------------------------+
 *               v   |                             v                                  |
 *          o -> ready -- a number, a token: store --> storing -- storeFailed --> paused -- pause over --> ready
 *                 |             (the last try: report, ready) ------^               |
 *                 +------------------------- stopped <-------------------------------+
 *
 * Tokens come back one at a time, so that the overlay sees at most `storesPerSecond` however much is asked. A failed store
 * stops the whole queue for a while: it is the overlay that cannot be reached, not the number that is wrong. What was stored
 * is stored again after about two thirds of its lifetime, with jitter. A number that the overlay stores already when it is
 * published, as after a restart, waits for its refresh.
 */
import { setup } from "../kit/mod.ts";
import { nonePublished } from "./published-numbers.ts";
import {
  dropVService,
  enqueue,
  giveUp,
  hasWork,
  isLastTry,
  next,
  refill,
  refresh,
  settleStored,
  stopAll,
  tryAgain,
} from "./publisher-queue.ts";
import type {
  VapPublisherAction,
  VapPublisherContext,
  VapPublisherEvent,
  VapPublisherInput,
} from "./publisher-types.ts";

const { machine, assign, decide, give } = setup<{
  input: VapPublisherInput;
  context: VapPublisherContext;
  event: VapPublisherEvent;
  order: VapPublisherAction;
}>();

const stop = decide(["stopTimer", "report"], stopAll);

export const vapPublisher = machine("vapPublisher", {
  context: (input) => ({
    ...input,
    queue: [],
    storing: undefined,
    tokens: input.burst,
    published: nonePublished,
    refilling: false,
    refreshAtMs: undefined,
  }),
  initial: "ready",
  on: {
    publish: { actions: decide(["report", "startTimer"], enqueue) },
    withdraw: { actions: decide(["report"], dropVService) },
    stop: { target: "stopped", actions: stop },
  },
  timers: {
    refill: { actions: decide(["startTimer"], refill) },
    refresh: { actions: decide(["startTimer"], refresh) },
  },
  states: {
    ready: { always: { guard: hasWork, target: "storing" } },
    storing: {
      entry: decide(["store", "startTimer"], next),
      on: {
        stored: { target: "ready", actions: decide(["report", "startTimer"], settleStored) },
        storeFailed: [
          { guard: isLastTry, target: "ready", actions: decide(["report", "startTimer"], giveUp) },
          { target: "paused", actions: assign(tryAgain) },
        ],
      },
    },
    paused: {
      entry: give("startTimer", ({ pauseMs }) => ({ timer: "pause", betweenMs: pauseMs })),
      on: { stop: { target: "stopped", actions: [{ type: "stopTimer", timer: "pause" }, stop] } },
      timers: { pause: { target: "ready" } },
    },
    stopped: { type: "final" },
  },
});
