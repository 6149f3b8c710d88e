/**
 * The client transaction of every request but INVITE and ACK, over datagrams or a stream. RFC 3261 §17.1.2.
 *
 *    o -- send, start F (and E) --> sent -- 1xx: pass --> proceeding
 *                                    | E: send, twice as late   | E: send, T2 later
 *                                    +-- final: pass -----------+--> answered -- K --> done     at once on a stream
 *                                    +-- F, unreachable: fail --> done
 * Requirements: RFC 3261 §17.1.2.2.
 */
import { type Note, setup } from "../kit/mod.ts";
import type { ClientEvent, ClientFailure } from "./invite-client.ts";
import {
  isDatagram,
  isReliable,
  type Retransmitting,
  send,
  sendAndWait,
  T2_T1,
  T4_T1,
  type TransactionInput,
  wait,
} from "./timing.ts";

export type RequestClientTimer = "E" | "F" | "K";
export type RequestClientOrder =
  | { readonly type: "send" }
  | { readonly type: "pass" }
  | { readonly type: "fail"; readonly why: ClientFailure }
  | { readonly type: "startTimer"; readonly timer: RequestClientTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: RequestClientTimer }
  | Note;

const { machine, decide, give } = setup<{
  input: TransactionInput;
  context: Retransmitting;
  event: ClientEvent<RequestClientTimer>;
  order: RequestClientOrder;
}>();

const stop = (timer: RequestClientTimer) => ({ type: "stopTimer", timer }) as const;
const pass = { type: "pass" } as const;
const fail = (why: ClientFailure) => ({ type: "fail", why }) as const;
const startK = give("startTimer", ({ t1Ms }) => ({ timer: "K", ms: T4_T1 * t1Ms }));
const sendAgain = decide(["send", "startTimer"], ({ againMs, t1Ms }) => sendAndWait("E", againMs, T2_T1 * t1Ms));
const startE = decide(["startTimer"], ({ isReliable, t1Ms }) => (isReliable ? {} : wait("E", t1Ms, T2_T1 * t1Ms)));
const sendSlowly = decide(["send", "startTimer"], ({ t1Ms }) => ({
  actions: [send, { type: "startTimer", timer: "E", ms: T2_T1 * t1Ms } as const],
}));
const finish = [
  { guard: isReliable, target: "done", actions: [stop("F"), pass] },
  { target: "answered", actions: [stop("E"), stop("F"), pass, startK] },
] as const;
const end = (why: ClientFailure, ...running: ReadonlyArray<RequestClientTimer>) =>
  [
    { guard: isReliable, target: "done", actions: [...running.map(stop), fail(why)] },
    { target: "done", actions: [...running.map(stop), stop("E"), fail(why)] },
  ] as const;
const common = { success: finish, refusal: finish, unreachable: end("unreachable", "F") } as const;

export const proxyRequestClient = machine("proxyRequestClient", {
  context: (input) => ({ ...input, againMs: input.t1Ms }),
  initial: "sent",
  states: {
    sent: {
      entry: [send, give("startTimer", ({ t1Ms }) => ({ timer: "F", ms: 64 * t1Ms })), startE],
      on: { ...common, provisional: { target: "proceeding", actions: pass } },
      timers: { E: { guard: isDatagram, actions: sendAgain }, F: end("timedOut") },
    },
    proceeding: {
      on: { ...common, provisional: { actions: pass } },
      timers: { E: { guard: isDatagram, actions: sendSlowly }, F: end("timedOut") },
    },
    answered: {
      on: { provisional: {}, success: {}, refusal: {}, unreachable: {} },
      timers: { K: { target: "done" } },
    },
    done: { type: "final" },
  },
});
