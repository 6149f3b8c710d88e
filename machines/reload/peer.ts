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
 * The decisions are in joining.ts, stabilize.ts and replies.ts; this file says when each is taken.
 */
import { type Of, setup } from "../kit/mod.ts";
import { admitEnded, joinAsked, joinerLost, nameAsPredecessor, turnAway } from "./admitting.ts";
import { fingerFound, fingerLost, fingerSought, pingNow } from "./fingers.ts";
import { inTurn } from "./in-turn.ts";
import {
  attachAgain,
  attachToAdmitting,
  attachToNeighbours,
  beginLeaving,
  collectCandidates,
  contextOf,
  dialBootstrap,
  leaveEnded,
  ringOnly,
  sendJoin,
  sendLeaves,
  settle,
  stopTimers,
  waitToRetry,
} from "./joining.ts";
import { checkNow, checkSoonIfAlone, pingThrough, releaseBoot, successorTold } from "./partition.ts";
import {
  awaitsNothing,
  hasAdmittingPeer,
  hasBootstrapLink,
  hasNoPeer,
  isFirst,
  isOutOfTries,
  isUpdateDue,
  mayStayAlone,
  namesUsPredecessor,
  ofAdmission,
  ofAdmit,
  ofAttach,
  ofFinger,
  ofJoin,
  ofLeave,
  ofPartitionCheck,
  ofSearch,
} from "./peer-guards.ts";
import type { PeerAction, PeerContext, PeerEvent, PeerSettings, PeerState, PeerTimer } from "./peer-types.ts";
import {
  appAttachAsked,
  attachAsked,
  configured,
  leaveAnswer,
  leaveAsked,
  pingAnswer,
  routeQueryAsked,
} from "./replies.ts";
import {
  attachFailed,
  gotLink,
  heardUpdate,
  lostLink,
  notAwaiting,
  reactNow,
  sweepAsking,
  updateAnswer,
  updateNow,
} from "./stabilize.ts";
import { withLink, withoutNode } from "./table.ts";

const { machine, assign, decide, give } = setup<{
  input: PeerSettings;
  context: PeerContext;
  event: PeerEvent;
  order: PeerAction;
}>();
type Unlinked = Of<PeerEvent, "unlinked">;

const report = (state: PeerState, why = "") => ({ type: "report", state, why }) as const;
/** Leaving a state stops its timer, unless that has just fired. */
const stop = (timer: PeerTimer) =>
  decide(["stopTimer"], (_, event) => ({
    actions: event.type === "timerFired" && event.timer === timer ? [] : [{ type: "stopTimer", timer }],
  }));
const stopAll = decide(["stopTimer"], (context) => ({ actions: stopTimers(context) }));
/** One step of the join has its time; what waits for neighbours has less. */
const startStep = give("startTimer", ({ settings: { timing } }) => ({ timer: "step", ms: timing.step, spreadMs: 0 }));
const startMeeting = give("startTimer", ({ settings: { timing } }) => ({
  timer: "step",
  ms: timing.meet,
  spreadMs: 0,
}));

const settling = ["ring", "request", "startTimer", "report"] as const;
const settleFirst = decide(settling, (context) => settle(context, context.settings.startedMs));
const settleAlone = decide(settling, (context, { atMs }: Of<PeerEvent, "timerFired">) => settle(context, atMs));
const settleAdmitted = decide(settling, (context, { asked }: Of<PeerEvent, "updateReq">) =>
  settle(context, asked.atMs),
);

/** A link is down in a ring that we are part of. */
const lost = decide(["ring", "startTimer", "request", "refuse", "answer", "handOver"], (context, { node }: Unlinked) =>
  inTurn(
    context,
    (now) => lostLink(now, node),
    fingerLost(context.table.view.fingers.includes(node)),
    checkSoonIfAlone(context.table.peers.length === 0),
    joinerLost(node),
  ),
);
const learning = decide(["ring", "startTimer", "answer"], collectCandidates);
const pausesOnStep = { step: { target: "pausing" } } as const;
const leaveDone = { guard: ofLeave, actions: decide([], leaveEnded) };
const admitDone = {
  guard: ofAdmit,
  actions: decide(["ring", "startTimer", "refuse", "answer", "handOver"], admitEnded),
};
const fingerDone = { guard: ofFinger, actions: decide([], fingerSought) };

export const reloadPeer = machine("reloadPeer", {
  context: contextOf,
  initial: "starting",
  on: {
    linked: { actions: decide(["stopTimer", "ring", "startTimer", "request"], gotLink) },
    unlinked: {
      actions: decide(["ring", "startTimer", "request"], (context, { node }: Unlinked) =>
        inTurn(context, (now) => lostLink(now, node), notAwaiting(node)),
      ),
    },
    attachReq: { actions: decide(["refuse", "stopTimer", "answer", "connect", "request"], attachAsked) },
    pingReq: { actions: give("answer", pingAnswer) },
    appAttachReq: { actions: decide(["answer", "refuse"], appAttachAsked) },
    routeQueryReq: { actions: decide(["answer", "refuse", "request"], routeQueryAsked) },
    configured: { actions: assign(configured) },
    updateReq: { actions: learning },
    leaveReq: { actions: decide(["answer", "refuse", "ring", "startTimer", "request"], leaveAsked) },
    joinReq: {
      actions: give("refuse", (_, { asked }) => ({ reply: asked.reply, error: "notFound", info: "not a peer now" })),
    },
    answered: {}, // an Attach answered is not yet a link; the answer to an Update contains nothing
    failed: [
      { guard: ofAttach, actions: decide(["stopTimer", "startTimer", "request"], attachFailed) },
      {}, // a neighbour that does not answer is seen by its link, or by the next Update
    ],
  },
  timers: { sweep: { actions: decide(["startTimer"], sweepAsking) } },
  states: {
    starting: { always: [{ guard: isFirst, target: "settled", actions: settleFirst }, { target: "joining" }] },
    joining: {
      entry: report("joining"),
      initial: "calling",
      on: { leave: { target: "left", actions: stopAll } },
      states: {
        calling: {
          entry: [decide(["dial"], dialBootstrap), startStep],
          exit: stop("step"),
          on: {
            dialled: {
              target: "attaching",
              actions: decide(["request"], attachToAdmitting),
            },
            dialFailed: { target: "pausing" },
          },
          timers: pausesOnStep,
        },
        attaching: {
          entry: startStep,
          exit: stop("step"),
          always: { guard: hasAdmittingPeer, target: "meeting" },
          on: {
            answered: {
              guard: ofAdmission,
              actions: assign((_, { signer }: Of<PeerEvent, "answered">) => ({ admitting: signer })),
            },
            failed: { guard: ofAdmission, target: "pausing" },
          },
          timers: pausesOnStep,
        },
        meeting: {
          entry: [decide(["startTimer", "request"], attachToNeighbours), startMeeting],
          exit: stop("step"),
          always: { guard: awaitsNothing, target: "entering" },
          timers: { step: { target: "entering" } },
        },
        entering: {
          entry: [decide(["request"], sendJoin), startStep],
          exit: stop("step"),
          on: {
            updateReq: [
              { guard: namesUsPredecessor, target: "settled", actions: [learning, settleAdmitted] },
              { actions: learning },
            ],
            failed: { guard: ofJoin, target: "pausing" },
          },
          timers: pausesOnStep,
        },
        pausing: {
          entry: decide(["startTimer"], waitToRetry),
          exit: stop("pause"),
          timers: {
            pause: [
              { guard: mayStayAlone, target: "settled", actions: settleAlone },
              { guard: isOutOfTries, target: "failed", actions: stopAll },
              {
                guard: hasBootstrapLink,
                target: "attaching",
                actions: decide(["request"], attachAgain),
              },
              { target: "calling" },
            ],
          },
        },
      },
    },
    settled: {
      on: {
        updateReq: { actions: decide(["ring", "startTimer", "answer", "request"], heardUpdate) },
        joinReq: { actions: decide(["ring", "startTimer", "answer", "refuse", "handOver"], joinAsked) },
        handedOver: { actions: decide(["request"], nameAsPredecessor) },
        unlinked: { actions: lost },
        answered: [
          { guard: ofSearch, actions: decide(["startTimer", "request"], fingerFound) },
          fingerDone,
          { guard: ofPartitionCheck, actions: decide(["release", "startTimer", "request"], successorTold) },
          admitDone,
        ],
        dialled: { actions: decide(["request"], pingThrough) },
        dialFailed: {}, // the partition timer runs
        failed: [fingerDone, { guard: ofPartitionCheck, actions: decide(["release"], releaseBoot) }, admitDone],
        leave: {
          target: "leaving",
          actions: decide(["refuse", "stopTimer", "report", "handOver"], (context) =>
            inTurn(context, turnAway, beginLeaving),
          ),
        },
      },
      timers: {
        react: { guard: isUpdateDue, actions: decide(["request"], reactNow) },
        update: {
          actions: decide(["request", "startTimer", "release"], (context, event: Of<PeerEvent, "timerFired">) =>
            inTurn(context, (now) => updateNow(now, event), releaseBoot),
          ),
        },
        ping: { actions: decide(["request", "startTimer"], pingNow) },
        partition: { actions: decide(["startTimer", "dial"], checkNow) },
      },
    },
    leaving: {
      entry: give("startTimer", ({ settings: { timing } }) => ({ timer: "leave", ms: timing.leave, spreadMs: 0 })),
      exit: stop("leave"),
      initial: "handing",
      on: {
        linked: {
          actions: decide(["ring"], ({ table }, { node }: Of<PeerEvent, "linked">) => ringOnly(withLink(table, node))),
        },
        unlinked: {
          actions: decide(["ring"], (context, { node }: Unlinked) =>
            inTurn(context, (now) => ringOnly(withoutNode(now.table, node)), notAwaiting(node)),
          ),
        },
        updateReq: { actions: give("answer", (_, { asked }) => updateAnswer(asked)) }, // we need no news any more
        leaveReq: { actions: give("answer", (_, { asked }) => leaveAnswer(asked)) },
      },
      timers: { leave: { target: "left" } },
      states: {
        handing: {
          always: { guard: hasNoPeer, target: "left" },
          on: { handedOver: { target: "parting" } },
        },
        parting: {
          entry: decide(["request"], sendLeaves),
          always: { guard: awaitsNothing, target: "left" },
          on: { answered: leaveDone, failed: leaveDone },
        },
      },
    },
    left: { type: "final", entry: report("left") },
    failed: { type: "final", entry: report("failed", "nobody to join") },
  },
});
