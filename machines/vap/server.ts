/**
 * A ViPR server's session with one client. draft-jennings-vipr-vap-02 §9: a connection becomes a session by Register, the
 * session outlives its connection until Keepalive has passed, and may be resumed on another connection with its handle.
 *
 *        Register                    Unregister                  30 s, or the client closes
 *   o -> fresh -------> registered ------------> lingering --------------------------------> gone
 *          |  greeting, lost,    | ^ |  keepalive passed                                      ^
 *          |  too many forged    | | +--------------------------------------------------------+
 *          +---------------------|-|--- displaced, while the client is away --------------------+
 *                                +-+ Publish, Subscribe, UploadVCR ... (see server-answers.ts); lost: wait for the handle
 *                                    revoked: PublishRevoke
 *
 * What takes time (publish, upload) is ordered with a `ref`; `settled` brings the outcome, and then the client is answered.
 */
import { type Of, setup } from "../kit/mod.ts";
import { settle } from "./server-answers.ts";
import { detached, learn } from "./server-notify.ts";
import { refuse } from "./server-replies.ts";
import {
  beforeRegister,
  expire,
  isRegistration,
  isUnregister,
  leave,
  receive,
  register,
  revoke,
  unregister,
} from "./server-session.ts";
import type {
  Received,
  VapCloseReason,
  VapServerAction,
  VapServerContext,
  VapServerEvent,
  VapServerInput,
  VapServerTimer,
} from "./server-types.ts";

/** Requests with a wrong seal or of an unknown user, on one connection, before it is closed. */
const DISTRUSTED_MAX = 3;

type Context = VapServerContext;
const { machine, assign, decide, give } = setup<{
  input: VapServerInput;
  context: Context;
  event: VapServerEvent;
  order: VapServerAction;
}>();

const stop = (timer: VapServerTimer) => ({ type: "stopTimer", timer }) as const;
const beforeSession = decide(["send", "note"], beforeRegister);
const leaveWith = (reason: VapCloseReason) => decide(["close", "withdrawVService"], leave(reason));
const refuseUnregistered = decide(["send"], (_, event: Received) => ({ actions: [refuse(event, "unregistered")] }));

const isLastDistrusted = ({ distrusted }: Context, { message, verdict }: Received): boolean =>
  message.type.class === "request" && verdict.type !== "genuine" && distrusted + 1 >= DISTRUSTED_MAX;
const isRequest = (_: Context, { message }: Received): boolean => message.type.class === "request";
const isOurs = ({ connection }: Context, event: Of<VapServerEvent, "lost">): boolean => connection === event.connection;
const isAway = ({ connection }: Context): boolean => connection === undefined;
/** A message may have been handled just before the timer's event: what counts is when the client was last heard. */
const isSilent = ({ heardAtMs, keepaliveMs }: Context, { atMs }: Of<VapServerEvent, "timerFired">): boolean =>
  atMs - heardAtMs >= keepaliveMs;

export const vapServer = machine("vapServer", {
  context: (input) => ({
    ...input,
    username: "",
    heardAtMs: 0,
    instances: [],
    subscriptions: [],
    nextSubscription: 1,
    pending: [],
    nextRef: 1,
    notified: [],
    waiting: [],
    distrusted: 0,
  }),
  initial: "fresh",
  on: {
    revoked: {},
    displaced: {},
    settled: { actions: decide(["send", "note"], settle) },
    learned: { actions: give("told", (_, { ref }) => ({ ref, count: 0 })) },
  },
  states: {
    fresh: {
      entry: give("startTimer", ({ greetingMs }) => ({ timer: "greeting", ms: greetingMs })),
      on: {
        received: [
          {
            guard: isLastDistrusted,
            target: "gone",
            actions: [stop("greeting"), beforeSession, leaveWith("distrusted")],
          },
          {
            guard: isRegistration,
            target: "registered",
            actions: [stop("greeting"), decide(["send", "opened"], register)],
          },
          { actions: beforeSession },
        ],
        lost: { guard: isOurs, target: "gone", actions: stop("greeting") },
      },
      timers: { greeting: { target: "gone", actions: leaveWith("noRegister") } },
    },
    registered: {
      entry: give("startTimer", ({ keepaliveMs }) => ({ timer: "keepalive", ms: keepaliveMs })),
      on: {
        received: [
          {
            guard: isUnregister,
            target: "lingering",
            actions: [stop("keepalive"), decide(["send", "withdrawVService"], unregister)],
          },
          {
            actions: decide(
              [
                ...(["send", "close", "publishVService", "withdrawVService", "publishNumber", "upload"] as const),
                ...(["subscribed", "taken", "note"] as const),
              ],
              receive,
            ),
          },
        ],
        learned: { actions: decide(["send", "told"], learn) },
        revoked: { actions: decide(["send", "withdrawVService"], revoke) },
        displaced: { guard: isAway, target: "gone", actions: [stop("keepalive"), leaveWith("displaced")] },
        lost: { guard: isOurs, actions: assign(detached) },
      },
      timers: {
        keepalive: [
          { guard: isSilent, target: "gone", actions: leaveWith("keepalivePassed") },
          { actions: give("startTimer", expire) },
        ],
      },
    },
    lingering: {
      entry: give("startTimer", ({ lingerMs }) => ({ timer: "linger", ms: lingerMs })),
      on: {
        received: { guard: isRequest, actions: refuseUnregistered },
        displaced: { target: "gone", actions: [stop("linger"), leaveWith("displaced")] },
        lost: { guard: isOurs, target: "gone", actions: stop("linger") },
      },
      timers: { linger: { target: "gone", actions: leaveWith("unregistered") } },
    },
    gone: { type: "final" },
  },
});
