/**
 * A ViPR server's session with one client. draft-jennings-vipr-vap-02 §9: a connection becomes a session by Register, the
 * session outlives its connection until Keepalive has passed, and may be taken up again on another with its handle.
 *
 *        Register                    Unregister                  30 s, or the client closes
 *   o -> fresh -------> registered ------------> lingering --------------------------------> gone
 *          |  greeting, lost,    | ^ |  keepalive passed                                      ^
 *          |  too many forged    | | +--------------------------------------------------------+
 *          +---------------------|-|----------------------------------------------------------+
 *                                +-+ Publish, Subscribe, UploadVCR ... (see server-answers.ts); lost: wait for the handle
 *
 * What takes time (publish, upload) is ordered with a `ref`; `settled` brings the outcome, and then the client is answered.
 */
import { setup } from "xstate";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import type { ServiceIdentity, VapContent, VapMessage, Verdict, VService } from "../../codecs/vap/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";
import { detached, learn, type Received, refuse, settle } from "./server-answers.ts";
import {
  beforeRegister,
  expire,
  isRegistration,
  isUnregister,
  leave,
  receive,
  register,
  unregister,
} from "./server-session.ts";

/** Requests that are forged, or of nobody, on one connection before it is closed. */
const DISTRUSTED_MAX = 3;

export interface VapServerInput {
  readonly handle: number;
  readonly connection: number;
  readonly keepaliveMs: number;
  /** How long a connection may stay without a Register. */
  readonly greetingMs: number;
  /** How long a client that unregistered may take to close. The draft's 30 s. */
  readonly lingerMs: number;
}
export interface Instance {
  readonly identity: ServiceIdentity;
  readonly version: number;
}
/** What one Notify tells. */
export interface News {
  readonly vservice: bigint;
  readonly content: Uint8Array;
  readonly transactionId: Uint8Array;
}
export interface VapServerContext extends Omit<VapServerInput, "connection"> {
  /** Undefined while the client is away. */
  readonly connection: number | undefined;
  readonly username: string;
  /** When the client last said something genuine. */
  readonly heardAtMs: number;
  /** Published, and accepted. */
  readonly instances: ReadonlyArray<Instance>;
  readonly subscriptions: ReadonlyArray<{ readonly id: number; readonly vservice: bigint }>;
  readonly nextSubscription: number;
  /** Asked for and not settled; `coming` is an instance that will be published when it is. */
  readonly pending: ReadonlyArray<{ readonly ref: number; readonly event: Received; readonly coming?: Instance }>;
  readonly nextRef: number;
  /** Sent, and not yet answered. */
  readonly notified: ReadonlyArray<News>;
  /** Learned while the client was away, or sent when its connection broke. */
  readonly waiting: ReadonlyArray<News>;
  readonly distrusted: number;
}
export interface VapQuota {
  readonly limit: number;
  readonly current: number;
  readonly lifetimeS: number;
}
export type VapServerEvent =
  | {
      readonly type: "received";
      readonly connection: number;
      readonly message: VapMessage;
      readonly verdict: Verdict;
      readonly atMs: number;
    }
  | { readonly type: "lost"; readonly connection: number; readonly why: string }
  | {
      readonly type: "settled";
      readonly ref: number;
      readonly outcome:
        | { readonly type: "done"; readonly quota: VapQuota | undefined }
        | { readonly type: "failed"; readonly why: string };
    }
  | {
      readonly type: "learned";
      readonly ref: number;
      readonly vservice: bigint;
      readonly content: Uint8Array;
      readonly transactionId: Uint8Array;
    }
  | { readonly type: "timerFired"; readonly timer: VapServerTimer; readonly atMs: number };
export type VapServerTimer = "greeting" | "keepalive" | "linger";
export type VapServerAction =
  | {
      readonly type: "send";
      readonly connection: number;
      readonly transactionId: Uint8Array;
      readonly content: VapContent;
      /** Whose key seals it; undefined leaves it unsealed. */
      readonly username: string | undefined;
    }
  | { readonly type: "close"; readonly connection: number; readonly why: string }
  | { readonly type: "opened"; readonly username: string; readonly name: string }
  | {
      readonly type: "publishVService";
      readonly ref: number;
      readonly identity: ServiceIdentity;
      readonly version: number;
      readonly service: VService;
    }
  | { readonly type: "withdrawVService"; readonly identity: ServiceIdentity }
  | { readonly type: "publishNumber"; readonly ref: number; readonly vservice: bigint; readonly number: E164 }
  | { readonly type: "upload"; readonly ref: number; readonly vcr: Vcr }
  /** How many clients a `learned` reached, or will reach when this one comes back. */
  | { readonly type: "told"; readonly ref: number; readonly count: number }
  | { readonly type: "startTimer"; readonly timer: VapServerTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: VapServerTimer }
  | { readonly type: "note"; readonly unexpected: string };

type Context = VapServerContext;
type Event<K extends VapServerEvent["type"]> = Extract<VapServerEvent, { readonly type: K }>;
const deciding = <K extends VapServerEvent["type"]>(
  of: (context: Context, event: Event<K>) => Decision<Context, VapServerAction>,
) => decide<Context, Event<K>, VapServerAction>(of);

const stop = (timer: VapServerTimer) => ({ type: "stopTimer", params: { timer } }) as const;

export const vapServer = machineOf<VapServerAction>()(
  setup({
    types: { input: {} as VapServerInput, context: {} as Context, events: {} as VapServerEvent },
    actions: declared<VapServerAction>({
      send: true,
      close: true,
      opened: true,
      publishVService: true,
      withdrawVService: true,
      publishNumber: true,
      upload: true,
      told: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
  }).createMachine({
    id: "vapServer",
    context: ({ input }) => ({
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
      settled: { actions: deciding<"settled">(settle) },
      learned: { actions: { type: "told", params: ({ event }) => ({ ref: event.ref, count: 0 }) } },
      "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } },
    },
    states: {
      fresh: {
        entry: {
          type: "startTimer",
          params: ({ context }) => ({ timer: "greeting" as const, ms: context.greetingMs }),
        },
        on: {
          received: [
            {
              guard: ({ context, event }) => isLastDistrusted(context, event),
              target: "gone",
              actions: [stop("greeting"), deciding<"received">(beforeRegister), deciding(leave("distrusted"))],
            },
            {
              guard: ({ event }) => isRegistration(event),
              target: "registered",
              actions: [stop("greeting"), deciding<"received">(register)],
            },
            { actions: deciding<"received">(beforeRegister) },
          ],
          lost: { guard: ({ context, event }) => isOurs(context, event), target: "gone", actions: stop("greeting") },
          timerFired: {
            guard: ({ event }) => event.timer === "greeting",
            target: "gone",
            actions: deciding(leave("no Register")),
          },
        },
      },
      registered: {
        entry: {
          type: "startTimer",
          params: ({ context }) => ({ timer: "keepalive" as const, ms: context.keepaliveMs }),
        },
        on: {
          received: [
            {
              guard: ({ context, event }) => isUnregister(context, event),
              target: "lingering",
              actions: [stop("keepalive"), deciding<"received">(unregister)],
            },
            { actions: deciding<"received">(receive) },
          ],
          learned: { actions: deciding<"learned">(learn) },
          lost: {
            guard: ({ context, event }) => isOurs(context, event),
            actions: deciding<"lost">((context) => ({ context: detached(context) })),
          },
          timerFired: [
            {
              guard: ({ context, event }) => event.timer === "keepalive" && isSilent(context, event.atMs),
              target: "gone",
              actions: deciding(leave("keepalive passed")),
            },
            { guard: ({ event }) => event.timer === "keepalive", actions: deciding<"timerFired">(expire) },
          ],
        },
      },
      lingering: {
        entry: { type: "startTimer", params: ({ context }) => ({ timer: "linger" as const, ms: context.lingerMs }) },
        on: {
          received: {
            guard: ({ event }) => event.message.type.class === "request",
            actions: deciding<"received">((_, event) => ({ actions: [refuse(event, "unregistered")] })),
          },
          lost: { guard: ({ context, event }) => isOurs(context, event), target: "gone", actions: stop("linger") },
          timerFired: {
            guard: ({ event }) => event.timer === "linger",
            target: "gone",
            actions: deciding(leave("unregistered")),
          },
        },
      },
      gone: { type: "final" },
    },
  }),
);

const isLastDistrusted = ({ distrusted }: Context, { message, verdict }: Event<"received">): boolean =>
  message.type.class === "request" && verdict.type !== "genuine" && distrusted + 1 >= DISTRUSTED_MAX;
const isOurs = ({ connection }: Context, event: Event<"lost">): boolean => connection === event.connection;
/** A timer may be in the mailbox when a message overtakes it: what counts is when the client was heard. */
const isSilent = ({ heardAtMs, keepaliveMs }: Context, atMs: number): boolean => atMs - heardAtMs >= keepaliveMs;
