/**
 * One request on its way through a stateful proxy with one branch. RFC 3261 §16.
 *
 *    o -- connect --> connecting -- connected: forward, start C --> forwarded -- final: respond --> done
 *                        |-- unreachable: respond 503 --> done         |-- 1xx: respond, start C again
 *                        +-- cancelled: respond 487 ----> done         |-- cancelled: giveUp
 *                                                                      |-- C: giveUp --> expiring -- final --> done
 *                                                                      +-- failed: respond 408 or 503 --> done
 *
 * C guards an INVITE that rings for ever; requests of other methods have their transaction's own end and start none.
 * The server transaction has sent 100 already, and 100 from downstream is its own hop's affair.
 */
import { setup } from "xstate";
import { responseTo, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { declared, machineOf } from "../kit/mod.ts";
import type { TransactionFailure } from "./invite-client.ts";

export interface RelayInput {
  readonly request: SipRequest;
  /** More than three minutes. RFC 3261 §16.6 step 11. */
  readonly timerCMs: number;
}

export type RelayEvent =
  | { readonly type: "connected" }
  | { readonly type: "unreachable"; readonly why: string }
  | { readonly type: "received"; readonly response: SipResponse }
  | { readonly type: "failed"; readonly why: TransactionFailure }
  | { readonly type: "cancelled" }
  | { readonly type: "upstreamLost" }
  | { readonly type: "timerFired"; readonly timer: "C" };

export type RelayAction =
  | { readonly type: "connect" }
  | { readonly type: "forward" }
  | { readonly type: "giveUp" }
  | { readonly type: "respond"; readonly response: SipResponse }
  | { readonly type: "startTimer"; readonly timer: "C"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "C" }
  | { readonly type: "count"; readonly what: "forwarded" | "failed" }
  | { readonly type: "note"; readonly unexpected: string };

type Received = Extract<RelayEvent, { readonly type: "received" }>;
const stopC = { type: "stopTimer", params: { timer: "C" } } as const;
const startC = {
  type: "startTimer",
  params: ({ context }: { context: RelayInput }) => ({ timer: "C" as const, ms: context.timerCMs }),
} as const;
const answer = (status: number) =>
  ({
    type: "respond",
    params: ({ context }: { context: RelayInput }) => ({ response: responseTo(context.request, status) }),
  }) as const;
/** The way back is the one that the request came: whatever downstream made of the Vias, ours are the request's. */
const passBack = {
  type: "respond",
  params: ({ context, event }: { context: RelayInput; event: Received }) => ({
    response: { ...event.response, headers: withViasOf(context.request, event.response) },
  }),
} as const;
const failed = { type: "count", params: { what: "failed" } } as const;
const giveUp = { type: "giveUp", params: {} } as const;
const isTrying = ({ event }: { event: Received }) => event.response.status === 100;
const isProvisional = ({ event }: { event: Received }) => event.response.status < 200;
const failures = (actions: ReadonlyArray<typeof stopC>) =>
  [
    {
      guard: ({ event }: { event: { readonly why: TransactionFailure } }) => event.why === "timedOut",
      target: "done",
      actions: [...actions, answer(408), failed],
    },
    { target: "done", actions: [...actions, answer(503), failed] },
  ] as const;

export const relay = machineOf<RelayAction>()(
  setup({
    types: { input: {} as RelayInput, context: {} as RelayInput, events: {} as RelayEvent },
    actions: declared<RelayAction>({
      connect: true,
      forward: true,
      giveUp: true,
      respond: true,
      startTimer: true,
      stopTimer: true,
      count: true,
      note: true,
    }),
  }).createMachine({
    id: "relay",
    context: ({ input }) => input,
    initial: "connecting",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      connecting: {
        entry: { type: "connect", params: {} },
        on: {
          connected: [
            {
              guard: ({ context }) => context.request.method === "INVITE",
              target: "ringing",
              actions: [startC, { type: "forward", params: {} }, { type: "count", params: { what: "forwarded" } }],
            },
            { target: "asking", actions: { type: "forward", params: {} } },
          ],
          unreachable: { target: "done", actions: [answer(503), failed] },
          cancelled: { target: "done", actions: answer(487) },
          upstreamLost: "done",
        },
      },
      ringing: {
        on: {
          received: [
            { guard: isTrying },
            { guard: isProvisional, actions: [startC, passBack] },
            { target: "done", actions: [stopC, passBack] },
          ],
          failed: failures([stopC]),
          cancelled: { actions: giveUp },
          upstreamLost: { target: "done", actions: [stopC, giveUp] },
          timerFired: { target: "expiring", actions: giveUp },
        },
      },
      expiring: {
        on: {
          received: [{ guard: isProvisional }, { target: "done", actions: passBack }],
          failed: failures([]),
          cancelled: {},
          upstreamLost: "done",
        },
      },
      asking: {
        on: {
          received: [{ guard: isProvisional }, { target: "done", actions: passBack }],
          failed: failures([]),
          upstreamLost: "done",
        },
      },
      done: { type: "final" },
    },
  }),
);

const withViasOf = (request: SipRequest, response: SipResponse) => {
  const isVia = ({ name }: { readonly name: string }) => name === "Via";
  return [...request.headers.filter(isVia), ...response.headers.filter((header) => !isVia(header))];
};
