/**
 * A Chord node: finds the overlay, joins it, keeps its place, leaves. RFC 6940 §10.5 to §10.9, §11.4.
 *
 *   o -- alone and allowed to be first ----------------------------------------+
 *   o --> calling -- dialled --> attaching -- table of the admitting peer --+  |
 *            ^  dial a bootstrap    Attach to n+1                           v  |
 *            |                                          meeting  Attach to neighbours-to-be
 *            +-- pausing <-- failed, timerFired step --+    |  their Updates, or time
 *                   |                                  |    v               |
 *                   +-- tries are over --> failed      +- entering  Join    |
 *                          or alone and first ------+       |  Update that names us predecessor
 *                                                   v       v               v
 *                            left <-- farewell <-- handing <-- leave -- settled
 *
 * The decisions stand in joining.ts, stabilize.ts and replies.ts; this file says when each is taken.
 */
import { setup } from "xstate";
import { decide, declared, machineOf } from "../kit/mod.ts";
import {
  attachToAdmitting,
  beginLeaving,
  contextOf,
  dialBootstrap,
  isAdmission,
  learn,
  learnNothing,
  meetNeighbours,
  quietly,
  sayFarewell,
  sendJoin,
  settle,
  stopTimers,
  TRIES_MAX,
} from "./joining.ts";
import type {
  Errand,
  PeerAction,
  PeerContext,
  PeerDecision,
  PeerEvent,
  PeerEventOf,
  PeerSettings,
  PeerState,
  PeerTimer,
} from "./peer-types.ts";
import {
  admit,
  appAttachAsked,
  attachAsked,
  configUpdateAsked,
  joinAsked,
  leaveAsked,
  pingAsked,
  refuse,
  routeQueryAsked,
} from "./replies.ts";
import {
  foundFinger,
  gotLink,
  heardUpdate,
  inTurn,
  lostLink,
  notAsking,
  pingNow,
  reactNow,
  rejoinSoon,
  sweepAsking,
  updateNow,
} from "./stabilize.ts";
import { peersOf, withLink, withoutNode } from "./table.ts";

type Given = { readonly context: PeerContext; readonly event: PeerEvent };
const on = <K extends PeerEvent["type"]>(_: K, of: (context: PeerContext, event: PeerEventOf<K>) => PeerDecision) =>
  decide<PeerContext, PeerEventOf<K>, PeerAction>(of);
const does = (of: (context: PeerContext, event: PeerEvent) => PeerDecision) =>
  decide<PeerContext, PeerEvent, PeerAction>(of);
const isFired = (event: PeerEvent, timer: PeerTimer) => event.type === "timerFired" && event.timer === timer;
const fired =
  (timer: PeerTimer) =>
  ({ event }: Given) =>
    isFired(event, timer);
const isAbout =
  (errand: Errand["type"]) =>
  ({ event }: Given) =>
    (event.type === "answered" || event.type === "failed") && event.errand.type === errand;
const isFirst = ({ context }: Given) => context.settings.mayBeFirst && context.settings.bootstrap.length === 0;
const isWithoutHope = ({ context }: Given) => context.tries >= TRIES_MAX;
const mayStayAlone = (given: Given) => isWithoutHope(given) && given.context.settings.mayBeFirst;
const hasBoot = ({ context }: Given) => context.boot !== undefined && context.table.linked.includes(context.boot);
const hasTable = ({ context }: Given) =>
  context.admitting !== undefined && peersOf(context.table).includes(context.admitting);
const hasMet = ({ context }: Given) => context.awaited.length === 0;
const hasSuccessor = ({ context }: Given) => peersOf(context.table).length > 0;

/** A step of the join has a time of its own; leaving the state stops it, unless it is what fired. */
const within = (of: "step" | "meet" | "leave", timer: PeerTimer = "step") => ({
  entry: does((context) => ({
    actions: [{ type: "startTimer", timer, ms: context.settings.timing[of], spreadMs: 0 }],
  })),
  exit: does((_, event) => ({ actions: isFired(event, timer) ? [] : [{ type: "stopTimer", timer }] })),
});
const rest = does((context) => ({
  context: { tries: context.tries + 1, admitting: undefined, awaited: [] },
  actions: [
    { type: "startTimer", timer: "pause", ms: context.settings.timing.pause, spreadMs: context.settings.timing.pause },
  ],
}));
const stopAll = does((context) => ({ actions: stopTimers(context) }));
const report = (state: PeerState) => ({ type: "report" as const, params: { state, why: "" } });
const atOf = (context: PeerContext, event: PeerEvent): number =>
  event.type === "timerFired" ? event.atMs : "asked" in event ? event.asked.atMs : context.settings.startedMs;
const settles = does((context, event) => settle(context, atOf(context, event)));
const forget =
  (node: bigint) =>
  (context: PeerContext): PeerDecision => ({
    context: { awaited: context.awaited.filter((other) => other !== node) },
  });

const pausesOn = (timer: PeerTimer) => ({ guard: fired(timer), target: "pausing" });

export const reloadPeer = machineOf<PeerAction>()(
  setup({
    types: { input: {} as PeerSettings, context: {} as PeerContext, events: {} as PeerEvent },
    actions: declared<PeerAction>({
      dial: true,
      request: true,
      answer: true,
      refuse: true,
      connect: true,
      ring: true,
      handOver: true,
      startTimer: true,
      stopTimer: true,
      report: true,
      note: true,
    }),
  }).createMachine({
    id: "reloadPeer",
    context: ({ input }) => contextOf(input),
    initial: "starting",
    on: {
      linked: { actions: on("linked", (context, { node, atMs }) => gotLink(context, node, atMs)) },
      unlinked: {
        actions: on("unlinked", (context, { node }) => inTurn(context, (now) => lostLink(now, node), forget(node))),
      },
      attachReq: { actions: on("attachReq", attachAsked) },
      pingReq: { actions: on("pingReq", pingAsked) },
      appAttachReq: { actions: on("appAttachReq", appAttachAsked) },
      routeQueryReq: { actions: on("routeQueryReq", routeQueryAsked) },
      configUpdateReq: { actions: on("configUpdateReq", configUpdateAsked) },
      updateReq: { actions: on("updateReq", learn) },
      leaveReq: { actions: on("leaveReq", leaveAsked) },
      joinReq: { actions: on("joinReq", (_, { asked }) => refuse(asked, "notFound", "not a peer now")) },
      answered: {}, // an Attach answered is not yet a link; an Update answered says nothing
      failed: {
        guard: isAbout("attach"),
        actions: on("failed", (context, { errand }) =>
          inTurn(context, ...("node" in errand ? [notAsking(errand.node), forget(errand.node)] : [])),
        ),
      },
      timerFired: { guard: fired("sweep"), actions: does(sweepAsking) },
      "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } },
    },
    states: {
      starting: { always: [{ guard: isFirst, target: "settled", actions: settles }, { target: "joining" }] },
      joining: {
        entry: report("joining"),
        initial: "calling",
        on: { leave: { target: "left", actions: stopAll } },
        states: {
          calling: {
            entry: [does(dialBootstrap), within("step").entry],
            exit: within("step").exit,
            on: {
              dialled: {
                target: "attaching",
                actions: on("dialled", (context, { node }) => attachToAdmitting(context, node)),
              },
              dialFailed: { target: "pausing" },
              timerFired: pausesOn("step"),
            },
          },
          attaching: {
            ...within("step"),
            always: { guard: hasTable, target: "meeting" },
            on: {
              answered: {
                guard: isAbout("admission"),
                actions: on("answered", (_, { signer }) => ({ context: { admitting: signer } })),
              },
              failed: { guard: isAbout("admission"), target: "pausing" },
              timerFired: pausesOn("step"),
            },
          },
          meeting: {
            entry: [does(meetNeighbours), within("meet").entry],
            exit: within("meet").exit,
            always: { guard: hasMet, target: "entering" },
            on: { timerFired: { guard: fired("step"), target: "entering" } },
          },
          entering: {
            entry: [does(sendJoin), within("step").entry],
            exit: within("step").exit,
            on: {
              updateReq: [
                {
                  guard: ({ context, event }) => isAdmission(context, event),
                  target: "#reloadPeer.settled",
                  actions: [on("updateReq", learn), settles],
                },
                { actions: on("updateReq", learn) },
              ],
              failed: { guard: isAbout("join"), target: "pausing" },
              timerFired: pausesOn("step"),
            },
          },
          pausing: {
            entry: rest,
            exit: within("step", "pause").exit,
            on: {
              timerFired: [
                {
                  guard: (given) => fired("pause")(given) && mayStayAlone(given),
                  target: "#reloadPeer.settled",
                  actions: settles,
                },
                {
                  guard: (given) => fired("pause")(given) && isWithoutHope(given),
                  target: "#reloadPeer.failed",
                  actions: stopAll,
                },
                {
                  guard: (given) => fired("pause")(given) && hasBoot(given),
                  target: "attaching",
                  actions: does((context) => attachToAdmitting(context, context.boot!)),
                },
                { guard: fired("pause"), target: "calling" },
              ],
            },
          },
        },
      },
      settled: {
        on: {
          updateReq: { actions: on("updateReq", heardUpdate) },
          joinReq: { actions: on("joinReq", joinAsked) },
          handedOver: { actions: on("handedOver", (context, { to, atMs }) => admit(context, to, atMs)) },
          answered: {
            guard: isAbout("search"),
            actions: on("answered", (context, { errand, signer }) =>
              errand.type === "search" ? foundFinger(errand.entry, signer)(context) : {},
            ),
          },
          dialled: { actions: on("dialled", (context, { node }) => attachToAdmitting(context, node)) },
          dialFailed: { actions: does(rejoinSoon) },
          timerFired: [
            { guard: fired("react"), actions: on("timerFired", reactNow) },
            { guard: fired("update"), actions: on("timerFired", updateNow) },
            { guard: fired("ping"), actions: on("timerFired", pingNow) },
            {
              guard: fired("rejoin"),
              actions: does((context) =>
                inTurn(context, () => ({ context: { rejoining: false, tries: context.tries + 1 } }), dialBootstrap),
              ),
            },
            { guard: fired("sweep"), actions: does(sweepAsking) },
          ],
          leave: { target: "leaving", actions: does(beginLeaving) },
        },
      },
      leaving: {
        ...within("leave", "leave"),
        initial: "handing",
        on: {
          linked: { actions: on("linked", (context, { node }) => quietly(context, withLink(context.table, node))) },
          unlinked: {
            actions: on("unlinked", (context, { node }) =>
              inTurn(context, (now) => quietly(now, withoutNode(now.table, node)), forget(node)),
            ),
          },
          updateReq: { actions: on("updateReq", learnNothing) },
          timerFired: { guard: fired("leave"), target: "left" },
        },
        states: {
          handing: {
            always: { guard: (given) => !hasSuccessor(given), target: "#reloadPeer.left" },
            on: { handedOver: { target: "parting" } },
          },
          parting: {
            entry: does(sayFarewell),
            always: { guard: hasMet, target: "#reloadPeer.left" },
            on: {
              answered: {
                guard: isAbout("leave"),
                actions: on("answered", (context, { errand }) =>
                  "node" in errand ? forget(errand.node)(context) : {},
                ),
              },
              failed: {
                guard: isAbout("leave"),
                actions: on("failed", (context, { errand }) => ("node" in errand ? forget(errand.node)(context) : {})),
              },
            },
          },
        },
      },
      left: { type: "final", entry: report("left") },
      failed: { type: "final", entry: { type: "report", params: { state: "failed", why: "nobody to join" } } },
    },
  }),
);
