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
import { declared, machineOf } from "../kit/mod.ts";
import { admitted, joinAsked, joinerLost, nameAsPredecessor, turnAway } from "./admitting.ts";
import { fingerFound, fingerLost, fingerSought, pingNow } from "./fingers.ts";
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
} from "./joining.ts";
import { checkNow, checkSoonIfAlone, pingThrough, releaseBoot, successorTold } from "./partition.ts";
import type { PeerAction, PeerContext, PeerDecision, PeerEvent, PeerSettings } from "./peer-types.ts";
import {
  does,
  fired,
  forget,
  hasBoot,
  hasMet,
  hasSuccessor,
  hasTable,
  isAbout,
  isDue,
  isFirst,
  isWithoutHope,
  mayStayAlone,
  nodeOf,
  on,
  pausesOn,
  report,
  rest,
  settles,
  stopAll,
  viaOf,
  within,
} from "./peer-words.ts";
import {
  appAttachAsked,
  attachAsked,
  configured,
  leaveAsked,
  leaveHeard,
  pingAsked,
  refuse,
  routeQueryAsked,
} from "./replies.ts";
import { attachFailed, gotLink, heardUpdate, inTurn, lostLink, reactNow, sweepAsking, updateNow } from "./stabilize.ts";
import { withLink, withoutNode } from "./table.ts";

/** A link is down in a ring that we are part of. */
const lost = (context: PeerContext, node: bigint): PeerDecision =>
  inTurn(
    context,
    (now) => lostLink(now, node),
    fingerLost(context.table.view.fingers.includes(node)),
    checkSoonIfAlone(context.table.peers.length === 0),
    joinerLost(node),
  );

const step = within("step");
const farewellDone = { guard: isAbout("leave"), actions: does((context, event) => forget(nodeOf(event))(context)) };

export const reloadPeer = machineOf<PeerAction>()(
  setup({
    types: { input: {} as PeerSettings, context: {} as PeerContext, events: {} as PeerEvent },
    actions: declared<PeerAction>({
      dial: true,
      release: true,
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
      configured: { actions: on("configured", configured) },
      updateReq: { actions: on("updateReq", learn) },
      leaveReq: { actions: on("leaveReq", leaveAsked) },
      joinReq: { actions: on("joinReq", (_, { asked }) => refuse(asked, "notFound", "not a peer now")) },
      answered: {}, // an Attach answered is not yet a link; an Update answered says nothing
      failed: [
        {
          guard: isAbout("attach"),
          actions: does((context, event) =>
            inTurn(context, attachFailed(nodeOf(event), viaOf(event)), forget(nodeOf(event))),
          ),
        },
        {}, // a neighbour that does not answer is seen by its link, or by the next Update
      ],
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
            entry: [does(dialBootstrap), step.entry],
            exit: step.exit,
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
            ...step,
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
            exit: step.exit,
            always: { guard: hasMet, target: "entering" },
            on: { timerFired: { guard: fired("step"), target: "entering" } },
          },
          entering: {
            entry: [does(sendJoin), step.entry],
            exit: step.exit,
            on: {
              updateReq: [
                { guard: isAdmission, target: "#reloadPeer.settled", actions: [on("updateReq", learn), settles] },
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
                { guard: isDue("pause", mayStayAlone), target: "#reloadPeer.settled", actions: settles },
                { guard: isDue("pause", isWithoutHope), target: "#reloadPeer.failed", actions: stopAll },
                {
                  guard: isDue("pause", hasBoot),
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
          handedOver: { actions: on("handedOver", nameAsPredecessor) },
          unlinked: { actions: on("unlinked", (context, { node }) => lost(context, node)) },
          answered: [
            { guard: isAbout("search"), actions: on("answered", fingerFound) },
            { guard: isAbout("finger"), actions: on("answered", fingerSought) },
            { guard: isAbout("partition"), actions: on("answered", successorTold) },
            { guard: isAbout("admit"), actions: does((context, event) => admitted(context, nodeOf(event), true)) },
          ],
          dialled: { actions: on("dialled", pingThrough) },
          dialFailed: {}, // the partition timer runs
          failed: [
            { guard: isAbout("finger"), actions: on("failed", fingerSought) },
            { guard: isAbout("partition"), actions: does(releaseBoot) },
            { guard: isAbout("admit"), actions: does((context, event) => admitted(context, nodeOf(event), false)) },
          ],
          timerFired: [
            {
              guard: isDue("react", ({ context }) => context.reacting !== undefined),
              actions: on("timerFired", reactNow),
            },
            {
              guard: fired("update"),
              actions: on("timerFired", (context, event) =>
                inTurn(context, (now) => updateNow(now, event), releaseBoot),
              ),
            },
            { guard: fired("ping"), actions: on("timerFired", pingNow) },
            { guard: fired("partition"), actions: on("timerFired", checkNow) },
          ],
          leave: { target: "leaving", actions: does((context) => inTurn(context, turnAway, beginLeaving)) },
        },
      },
      leaving: {
        ...within("leave", "leave"),
        initial: "handing",
        on: {
          linked: { actions: on("linked", (context, { node }) => quietly(withLink(context.table, node))) },
          unlinked: {
            actions: on("unlinked", (context, { node }) =>
              inTurn(context, (now) => quietly(withoutNode(now.table, node)), forget(node)),
            ),
          },
          updateReq: { actions: on("updateReq", learnNothing) },
          leaveReq: { actions: on("leaveReq", leaveHeard) },
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
            on: { answered: farewellDone, failed: farewellDone },
          },
        },
      },
      left: { type: "final", entry: report("left") },
      failed: { type: "final", entry: { type: "report", params: { state: "failed", why: "nobody to join" } } },
    },
  }),
);
