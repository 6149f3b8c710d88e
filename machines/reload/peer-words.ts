/** The words peer.ts is written in: its guards, the time of a step, and decisions bound to events. */
import { decide } from "../kit/mod.ts";
import { settle, stopTimers, TRIES_MAX } from "./joining.ts";
import type {
  Errand,
  PeerAction,
  PeerContext,
  PeerDecision,
  PeerEvent,
  PeerEventOf,
  PeerState,
  PeerTimer,
} from "./peer-types.ts";
import { peersOf } from "./table.ts";

export type Given = { readonly context: PeerContext; readonly event: PeerEvent };
export const on = <K extends PeerEvent["type"]>(
  _: K,
  of: (context: PeerContext, event: PeerEventOf<K>) => PeerDecision,
) => decide<PeerContext, PeerEventOf<K>, PeerAction>(of);
export const does = (of: (context: PeerContext, event: PeerEvent) => PeerDecision) =>
  decide<PeerContext, PeerEvent, PeerAction>(of);
const isFired = (event: PeerEvent, timer: PeerTimer) => event.type === "timerFired" && event.timer === timer;
export const fired =
  (timer: PeerTimer) =>
  ({ event }: Given) =>
    isFired(event, timer);
/** The timer has fired, and something else is so as well. */
export const isDue =
  (timer: PeerTimer, is: (given: Given) => boolean) =>
  (given: Given): boolean =>
    isFired(given.event, timer) && is(given);
export const isAbout =
  (errand: Errand["type"]) =>
  ({ event }: Given) =>
    (event.type === "answered" || event.type === "failed") && event.errand.type === errand;
/** The node an errand of ours went to; for guards' sake only asked where there is one. */
export const nodeOf = (event: PeerEvent): bigint =>
  "errand" in event && "node" in event.errand ? event.errand.node : -1n;
export const viaOf = (event: PeerEvent): bigint | undefined =>
  "errand" in event && event.errand.type === "attach" ? event.errand.via : undefined;
export const isFirst = ({ context }: Given) => context.settings.mayBeFirst && context.settings.bootstrap.length === 0;
export const isWithoutHope = ({ context }: Given) => context.tries >= TRIES_MAX;
export const mayStayAlone = (given: Given) => isWithoutHope(given) && given.context.settings.mayBeFirst;
export const hasBoot = ({ context }: Given) =>
  context.boot !== undefined && context.table.linked.includes(context.boot);
export const hasTable = ({ context }: Given) =>
  context.admitting !== undefined && peersOf(context.table).includes(context.admitting);
export const hasMet = ({ context }: Given) => context.awaited.length === 0;
export const hasSuccessor = ({ context }: Given) => peersOf(context.table).length > 0;

/** A step of the join has a time of its own; leaving the state stops it, unless it is what fired. */
export const within = (of: "step" | "meet" | "leave", timer: PeerTimer = "step") => ({
  entry: does((context) => ({
    actions: [{ type: "startTimer", timer, ms: context.settings.timing[of], spreadMs: 0 }],
  })),
  exit: does((_, event) => ({ actions: isFired(event, timer) ? [] : [{ type: "stopTimer", timer }] })),
});
export const rest = does((context) => ({
  context: { tries: context.tries + 1, admitting: undefined, awaited: [] },
  actions: [
    { type: "startTimer", timer: "pause", ms: context.settings.timing.pause, spreadMs: context.settings.timing.pause },
  ],
}));
export const stopAll = does((context) => ({ actions: stopTimers(context) }));
export const report = (state: PeerState) => ({ type: "report" as const, params: { state, why: "" } });
const atOf = (context: PeerContext, event: PeerEvent): number =>
  event.type === "timerFired" ? event.atMs : "asked" in event ? event.asked.atMs : context.settings.startedMs;
export const settles = does((context, event) => settle(context, atOf(context, event)));
export const forget =
  (node: bigint) =>
  (context: PeerContext): PeerDecision => ({
    context: { awaited: context.awaited.filter((other) => other !== node) },
  });

export const pausesOn = (timer: PeerTimer) => ({ guard: fired(timer), target: "pausing" });
