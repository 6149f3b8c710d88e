/**
 * A call agent's session with its ViPR server. draft-jennings-vipr-vap-02 §9, the client's side: whatever is asked of it
 * stays queued until the server has it, over as many connections as that takes.
 *
 *        connected               success
 *   o -> connecting -> registering -> ready -- Keepalive: Register again between 1/3 and 1/2 of it
 *            ^   lost     | lost       | |     then, as far as they are wanted, in this order: Publish VService, Subscribe,
 *            |            |            | |     Publish Number, UploadVCR (a few of each at a time); Notify: learned
 *            +-- waiting <+------------+ |     PublishRevoke, or 481 for what was published: republish after a while
 *                 reconnect              |     471 to the handle of an old session: connecting again, without it and at once
 *                    unregister: leaving +--> over
 */
import { type Of, setup } from "../kit/mod.ts";
import { asked, kept } from "./client-asked.ts";
import { finished, pumped, refreshNumbers, take, unpublish, withdraw } from "./client-jobs.ts";
import { republish } from "./client-revoked.ts";
import {
  answered,
  goodbye,
  hello,
  isFatal,
  isForgotten,
  isGoodbye,
  isRegister,
  isRegistered,
  keepAlive,
  lose,
  ready,
  refused,
  startOver,
} from "./client-session.ts";
import type {
  VapClientAction,
  VapClientContext,
  VapClientEvent,
  VapClientInput,
  VapClientTimer,
} from "./client-types.ts";
import { noNumbers } from "./stored-numbers.ts";

const { machine, decide, handlers } = setup<{
  input: VapClientInput;
  context: VapClientContext;
  event: VapClientEvent;
  order: VapClientAction;
}>();

const stopTimer = (timer: VapClientTimer) => ({ type: "stopTimer", timer }) as const;
const disconnect = { type: "disconnect" } as const;
const queue = { actions: decide(["settle"], take) };
const queueAndAsk = { actions: decide(["settle", "ask"], pumped(take)) };
const retryLater = decide(["report", "startTimer", "stopTimer"], (context, { why }: Of<VapClientEvent, "lost">) =>
  lose(context, "lost", why),
);
const leaveRefused = decide(["disconnect", "report", "startTimer", "stopTimer"], refused);
const end = decide(["stopTimer", "settle"], finished);
const endFor = decide(["stopTimer", "settle"], (context, { ref }: Of<VapClientEvent, "unregister">) =>
  finished({ ...context, ending: ref }),
);
const whileConnecting = handlers({
  lost: { target: "waiting", actions: retryLater },
  unregister: { target: "over", actions: [disconnect, endFor] },
});

export const vapClient = machine("vapClient", {
  context: (input) => ({
    ...input,
    handle: undefined,
    keepaliveMs: 0,
    wanted: undefined,
    service: undefined,
    isPublished: false,
    isRevoked: false,
    lifetimeMs: 0,
    failures: 0,
    subscription: undefined,
    numbers: [],
    vcrs: [],
    stored: noNumbers,
    refreshBelow: 0,
    isRefreshing: false,
    asks: [],
    nextAsk: 1,
    ending: 0,
  }),
  initial: "connecting",
  on: {
    publishService: queue,
    publishNumber: queue,
    unpublishNumber: { actions: decide(["settle"], unpublish) },
    upload: queue,
    withdraw: { actions: decide([], withdraw) },
    kept: {},
  },
  timers: {
    refresh: { actions: decide([], refreshNumbers) },
    republish: { actions: decide(["stopTimer"], republish) },
  },
  states: {
    connecting: {
      entry: { type: "connect" },
      on: { ...whileConnecting, connected: { target: "registering", actions: decide(["ask"], hello) } },
    },
    registering: {
      on: {
        ...whileConnecting,
        // A session that is resumed has its Notify at once, perhaps before we have seen that it is.
        asked: { actions: decide(["answer", "learned", "report", "startTimer", "note"], asked) },
        kept: { actions: decide(["answer"], kept) },
        answered: [
          {
            guard: isRegistered,
            target: "ready",
            actions: decide(["report", "stopTimer", "startTimer", "ask"], ready),
          },
          { guard: isForgotten, target: "connecting", actions: [disconnect, decide([], startOver)] },
          { guard: isRegister, target: "waiting", actions: leaveRefused },
        ],
      },
    },
    ready: {
      on: {
        publishService: queueAndAsk,
        publishNumber: queueAndAsk,
        upload: queueAndAsk,
        answered: [
          { guard: isFatal, target: "waiting", actions: [stopTimer("keepalive"), leaveRefused] },
          { actions: decide(["settle", "startTimer", "report", "ask", "note"], pumped(answered)) },
        ],
        asked: { actions: decide(["answer", "learned", "report", "startTimer", "note"], asked) },
        kept: { actions: decide(["answer"], kept) },
        lost: { target: "waiting", actions: [stopTimer("keepalive"), retryLater] },
        unregister: { target: "leaving", actions: [stopTimer("keepalive"), decide(["ask"], goodbye)] },
      },
      timers: {
        keepalive: { actions: decide(["ask", "startTimer"], keepAlive) },
        refresh: { actions: decide(["ask"], pumped(refreshNumbers)) },
        republish: { actions: decide(["stopTimer", "ask"], pumped(republish)) },
      },
    },
    waiting: {
      on: { unregister: { target: "over", actions: [stopTimer("reconnect"), endFor] } },
      timers: { reconnect: { target: "connecting" } },
    },
    leaving: {
      on: {
        answered: { guard: isGoodbye, target: "over", actions: [disconnect, end] },
        lost: { target: "over", actions: end },
      },
    },
    over: { type: "final" },
  },
});
