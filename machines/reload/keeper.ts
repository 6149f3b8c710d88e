/**
 * What this node keeps for others: stored by rule, told on request, copied to where it belongs, dropped when its time is
 * over. RFC 6940 §7.4, §10.4; docs/protocol/overlay.md#storage.
 *
 *   o --> keeping -- storeReq, fetchReq, statReq, findReq, probeReq --> keeping   answer or refuse, copy, count
 *            |   \-- ring, handOver, copied, recalled, timerFired ----> keeping   copy, inquire, handedOver
 *            |    \- restored, unsaved -------------------------------> keeping   undone
 *            +------ closed --> closed   stopTimer
 *
 * Whatever changes the shelf orders `save` first.
 */
import { setup } from "xstate";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";
import { refuseStored, store } from "./admit.ts";
import type {
  KeeperAction,
  KeeperContext,
  KeeperDecision,
  KeeperEvent,
  KeeperEventOf,
  KeeperSettings,
} from "./keeper-types.ts";
import { fetch, findClosest, probe, stat } from "./lookup.ts";
import type { Asked } from "./peer-types.ts";
import { type Bucket, fullBucket, take } from "./quota.ts";
import { recalled } from "./recall.ts";
import { copied, handOver, repairNow, ringChanged, spring } from "./repair.ts";
import type { RingView } from "./ring.ts";
import { restored, saving, unsaved } from "./saving.ts";
import { emptyShelf } from "./shelf.ts";

/** Token buckets kept, one for each asker; the one longest in use is forgotten first, and starts full again. */
const BUCKETS_MAX = 1_024;
/** A neighbour within its rate may still come in bunches, by retransmission and by its own burst. */
const RATE_TOLERANCE = 2;

const on = <K extends KeeperEvent["type"]>(
  _: K,
  of: (context: KeeperContext, event: KeeperEventOf<K>) => KeeperDecision,
) => decide<KeeperContext, KeeperEventOf<K>, KeeperAction>((context, event) => saving(context, of(context, event)));
/** What the disk says is not told to the disk. */
const fromDisk = <K extends "restored" | "unsaved">(
  _: K,
  of: (context: KeeperContext, event: KeeperEventOf<K>) => KeeperDecision,
) => decide<KeeperContext, KeeperEventOf<K>, KeeperAction>(of);

/** Takes a token from the asker's bucket or refuses with Forbidden `rate`: docs/protocol/overlay.md#storage. */
const paced = (
  context: KeeperContext,
  asked: Asked,
  of: "stores" | "fetches",
  then: (context: KeeperContext) => KeeperDecision,
): KeeperDecision => {
  const { storesPerSecond, fetchesPerSecond } = context.settings;
  const rate = RATE_TOLERANCE * (of === "stores" ? storesPerSecond : fetchesPerSecond);
  const who = nodeIdText(asked.signer);
  const { [who]: held, ...others } = context[of];
  const left = take(held ?? fullBucket(rate, asked.atMs), rate, asked.atMs);
  if (left === undefined) return refuseStored(asked, { error: "forbidden", info: "rate" });
  const names = Object.keys(others);
  if (names.length >= BUCKETS_MAX) delete (others as Record<string, Bucket>)[names[0]!];
  const made = then(context);
  return { context: { ...made.context, [of]: { ...others, [who]: left } }, actions: made.actions ?? [] };
};

const nowhere: RingView = { self: 0n, joined: false, predecessors: [], successors: [], fingers: [], linked: [] };

const expired = (context: KeeperContext, atMs: number): KeeperDecision => {
  const made = spring(context, atMs);
  const again: KeeperAction = { type: "startTimer", timer: "expire", ms: context.settings.timing.expire };
  return { ...made, actions: [again, ...(made.actions ?? [])] };
};

type Given = { readonly event: KeeperEvent };
const isTimer =
  (timer: "expire" | "repair") =>
  ({ event }: Given) =>
    event.type === "timerFired" && event.timer === timer;

export const reloadKeeper = machineOf<KeeperAction>()(
  setup({
    types: { input: {} as KeeperSettings, context: {} as KeeperContext, events: {} as KeeperEvent },
    actions: declared<KeeperAction>({
      answer: true,
      refuse: true,
      copy: true,
      inquire: true,
      save: true,
      undone: true,
      handedOver: true,
      startTimer: true,
      stopTimer: true,
      count: true,
      status: true,
      note: true,
    }),
  }).createMachine({
    id: "reloadKeeper",
    context: ({ input }) => ({
      settings: input,
      view: nowhere,
      shelf: emptyShelf,
      primaries: {},
      replicas: {},
      stores: {},
      fetches: {},
      due: [],
      copying: [],
      handing: [],
      repairing: false,
    }),
    initial: "keeping",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      keeping: {
        entry: {
          type: "startTimer",
          params: ({ context }) => ({ timer: "expire", ms: context.settings.timing.expire }),
        },
        on: {
          storeReq: {
            actions: on("storeReq", (context, event) =>
              event.body.replica === 0
                ? paced(context, event.asked, "stores", (now) => store(now, event))
                : store(context, event),
            ),
          },
          fetchReq: {
            actions: on("fetchReq", (context, event) =>
              paced(context, event.asked, "fetches", (now) => fetch(now, event)),
            ),
          },
          statReq: {
            actions: on("statReq", (context, event) =>
              paced(context, event.asked, "fetches", (now) => stat(now, event)),
            ),
          },
          findReq: {
            actions: on("findReq", (context, event) =>
              paced(context, event.asked, "fetches", (now) => findClosest(now, event)),
            ),
          },
          probeReq: { actions: on("probeReq", probe) },
          ring: { actions: on("ring", ringChanged) },
          handOver: { actions: on("handOver", handOver) },
          copied: { actions: on("copied", copied) },
          recalled: { actions: on("recalled", recalled) },
          restored: { actions: fromDisk("restored", restored) },
          unsaved: { actions: fromDisk("unsaved", unsaved) },
          configured: {
            actions: on("configured", ({ settings }, { policy }) => ({
              context: { settings: { ...settings, ...policy } },
            })),
          },
          statusAsked: {
            actions: {
              type: "status",
              params: ({ context: { shelf, primaries, replicas }, event: { ticket } }) => ({
                ticket,
                resources: shelf.resources,
                primaries,
                replicas,
              }),
            },
          },
          timerFired: [
            { guard: isTimer("expire"), actions: on("timerFired", (context, { atMs }) => expired(context, atMs)) },
            { guard: isTimer("repair"), actions: on("timerFired", (context, { atMs }) => repairNow(context, atMs)) },
          ],
          closed: {
            target: "closed",
            actions: [
              { type: "stopTimer", params: { timer: "expire" } },
              decide<KeeperContext, KeeperEvent, KeeperAction>(({ repairing }) => ({
                actions: repairing ? [{ type: "stopTimer", timer: "repair" }] : [],
              })),
            ],
          },
        },
      },
      closed: { type: "final" },
    },
  }),
);
