/**
 * A call agent's session with its ViPR server. draft-jennings-vipr-vap-02 §9, the client's side: whatever is asked of it
 * is kept until the server has it, over as many connections as that takes.
 *
 *        connected               success
 *   o -> connecting -> registering -> ready -- Keepalive: Register again between 1/3 and 1/2 of it
 *            ^   lost     | lost       | |     then, as far as they are wanted, in this order: Publish VService, Subscribe,
 *            +-- waiting <+------------+ |     Publish Number (one after another), UploadVCR (a few at a time); Notify: learned
 *                 reconnect              |
 *                    unregister: leaving +--> over
 */
import { setup } from "xstate";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import type { ValInfo, VapContent, VapMessage, VService } from "../../codecs/vap/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";
import { finished, pumped, refreshNumbers, take } from "./client-jobs.ts";
import {
  answered,
  asked,
  goodbye,
  hello,
  isFatal,
  isGoodbye,
  isRegister,
  isRegistered,
  keepAlive,
  lose,
  ready,
  refused,
} from "./client-session.ts";
import type { VapOutcome } from "./transaction.ts";

export interface VapClientInput {
  /** For the server's operator: product, version, host. */
  readonly name: string;
  readonly vservice: bigint;
  readonly instance: bigint;
  /** ServiceVersion of the first publication; best the hour in seconds, so that it is above that of a life before. */
  readonly firstVersion: number;
  readonly reconnectMs: readonly [min: number, max: number];
}
export type VapJob =
  | { readonly type: "number"; readonly ref: number; readonly number: E164; readonly attempts: number }
  | { readonly type: "vcr"; readonly ref: number; readonly vcr: Vcr; readonly attempts: number };
/** A request that is out, and what it is for. */
export interface Ask {
  readonly ask: number;
  readonly what:
    | "register"
    | "keepalive"
    | "subscribe"
    | "unregister"
    | { readonly type: "service"; readonly version: number }
    | VapJob;
}
export interface VapClientContext extends VapClientInput {
  /** The server's name for this session; kept when the connection is lost, to take it up again. */
  readonly handle: number | undefined;
  readonly keepaliveMs: number;
  /** `ref` waits for its publication; `version` grows with every change. */
  readonly service: { readonly ref: number; readonly content: VService; readonly version: number } | undefined;
  readonly isPublished: boolean;
  /** How long the overlay keeps a number; 0 when the server did not say. */
  readonly lifetimeMs: number;
  /** Attempts to connect since the last success. */
  readonly failures: number;
  readonly subscription: number | undefined;
  readonly numbers: ReadonlyArray<Extract<VapJob, { readonly type: "number" }>>;
  readonly vcrs: ReadonlyArray<Extract<VapJob, { readonly type: "vcr" }>>;
  /** Numbers the overlay has: published again when two thirds of its lifetime have passed. */
  readonly stored: ReadonlyArray<E164>;
  readonly isRefreshing: boolean;
  readonly asks: ReadonlyArray<Ask>;
  readonly nextAsk: number;
  /** Who waits for the end. */
  readonly ending: number;
}
export type VapClientTimer = "keepalive" | "reconnect" | "refresh";
export type VapClientEvent =
  | { readonly type: "publishService"; readonly ref: number; readonly content: VService }
  | { readonly type: "publishNumber"; readonly ref: number; readonly number: E164 }
  | { readonly type: "upload"; readonly ref: number; readonly vcr: Vcr }
  | { readonly type: "unregister"; readonly ref: number }
  | { readonly type: "connected" }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "answered"; readonly ask: number; readonly outcome: VapOutcome }
  /** The server asks. `genuine`: sealed with our key. */
  | { readonly type: "asked"; readonly request: VapMessage; readonly genuine: boolean }
  | { readonly type: "timerFired"; readonly timer: VapClientTimer };
export type VapClientAction =
  | { readonly type: "connect" }
  | { readonly type: "disconnect" }
  | { readonly type: "ask"; readonly ask: number; readonly request: VapContent }
  | { readonly type: "answer"; readonly transactionId: Uint8Array; readonly content: VapContent }
  | { readonly type: "settle"; readonly ref: number; readonly result: VapResult }
  | { readonly type: "learned"; readonly info: ValInfo }
  | { readonly type: "report"; readonly what: "registered" | "lost" | "refused"; readonly why: string }
  | {
      readonly type: "startTimer";
      readonly timer: VapClientTimer;
      readonly betweenMs: readonly [min: number, max: number];
    }
  | { readonly type: "stopTimer"; readonly timer: VapClientTimer }
  | { readonly type: "note"; readonly unexpected: string };
export type VapResult =
  | { readonly type: "done"; readonly quota?: { readonly limit: number; readonly current: number } }
  | { readonly type: "failed"; readonly why: string };

type Context = VapClientContext;
type Event<K extends VapClientEvent["type"]> = Extract<VapClientEvent, { readonly type: K }>;
const deciding = <K extends VapClientEvent["type"]>(
  of: (context: Context, event: Event<K>) => Decision<Context, VapClientAction>,
) => decide<Context, Event<K>, VapClientAction>(of);

const stopTimer = (timer: VapClientTimer) => ({ type: "stopTimer", params: { timer } }) as const;
const disconnect = { type: "disconnect", params: {} } as const;
const given = { actions: deciding<"publishService" | "publishNumber" | "upload">(take) };
const lost = {
  target: "waiting",
  actions: deciding<"lost">((context, { why }) => lose(context, "lost", why)),
} as const;
const ended = deciding<"unregister">((context, { ref }) => finished({ ...context, ending: ref }));

export const vapClient = machineOf<VapClientAction>()(
  setup({
    types: { input: {} as VapClientInput, context: {} as Context, events: {} as VapClientEvent },
    actions: declared<VapClientAction>({
      connect: true,
      disconnect: true,
      ask: true,
      answer: true,
      settle: true,
      learned: true,
      report: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
  }).createMachine({
    id: "vapClient",
    context: ({ input }) => ({
      ...input,
      handle: undefined,
      keepaliveMs: 0,
      service: undefined,
      isPublished: false,
      lifetimeMs: 0,
      failures: 0,
      subscription: undefined,
      numbers: [],
      vcrs: [],
      stored: [],
      isRefreshing: false,
      asks: [],
      nextAsk: 1,
      ending: 0,
    }),
    initial: "connecting",
    on: {
      publishService: given,
      publishNumber: given,
      upload: given,
      timerFired: { guard: ({ event }) => event.timer === "refresh", actions: deciding<"timerFired">(refreshNumbers) },
      "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } },
    },
    states: {
      connecting: {
        entry: { type: "connect", params: {} },
        on: {
          connected: { target: "registering", actions: deciding<"connected">(hello) },
          lost,
          unregister: { target: "over", actions: [disconnect, ended] },
        },
      },
      registering: {
        on: {
          answered: [
            {
              guard: ({ context, event }) => isRegistered(context, event),
              target: "ready",
              actions: deciding<"answered">(ready),
            },
            {
              guard: ({ context, event }) => isRegister(context, event),
              target: "waiting",
              actions: deciding<"answered">(refused),
            },
          ],
          lost,
          unregister: { target: "over", actions: [disconnect, ended] },
        },
      },
      ready: {
        on: {
          publishService: { actions: deciding<"publishService">(pumped(take)) },
          publishNumber: { actions: deciding<"publishNumber">(pumped(take)) },
          upload: { actions: deciding<"upload">(pumped(take)) },
          answered: [
            {
              guard: ({ context, event }) => isFatal(context, event),
              target: "waiting",
              actions: [stopTimer("keepalive"), deciding<"answered">(refused)],
            },
            { actions: deciding<"answered">(pumped(answered)) },
          ],
          asked: { actions: deciding<"asked">(asked) },
          timerFired: [
            { guard: ({ event }) => event.timer === "keepalive", actions: deciding<"timerFired">(keepAlive) },
            {
              guard: ({ event }) => event.timer === "refresh",
              actions: deciding<"timerFired">(pumped(refreshNumbers)),
            },
          ],
          lost: { target: "waiting", actions: [stopTimer("keepalive"), lost.actions] },
          unregister: { target: "leaving", actions: [stopTimer("keepalive"), deciding<"unregister">(goodbye)] },
        },
      },
      waiting: {
        on: {
          timerFired: [
            { guard: ({ event }) => event.timer === "reconnect", target: "connecting" },
            { guard: ({ event }) => event.timer === "refresh", actions: deciding<"timerFired">(refreshNumbers) },
          ],
          unregister: { target: "over", actions: [stopTimer("reconnect"), ended] },
        },
      },
      leaving: {
        on: {
          answered: {
            guard: ({ context, event }) => isGoodbye(context, event),
            target: "over",
            actions: [disconnect, deciding<"answered">(finished)],
          },
          lost: { target: "over", actions: deciding<"lost">(finished) },
        },
      },
      over: { type: "final" },
    },
  }),
);
