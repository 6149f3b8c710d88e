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
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { type Decision, type Of, setup } from "../kit/mod.ts";
import { refuseStored, store } from "./admit.ts";
import type {
  KeeperAction,
  KeeperContext,
  KeeperDecision,
  KeeperEvent,
  KeeperSettings,
  KeeperTimer,
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

const { machine, assign, decide, give } = setup<{
  input: KeeperSettings;
  context: KeeperContext;
  event: KeeperEvent;
  order: KeeperAction;
}>();

/** Takes a token from the asker's bucket or refuses with Forbidden `rate`: docs/protocol/overlay.md#storage. */
const paced = <A extends KeeperAction>(
  context: KeeperContext,
  asked: Asked,
  of: "stores" | "fetches",
  then: (context: KeeperContext) => Decision<KeeperContext, A>,
): Decision<KeeperContext, A | Of<KeeperAction, "refuse" | "count">> => {
  const { storesPerSecond, fetchesPerSecond } = context.settings;
  const rate = RATE_TOLERANCE * (of === "stores" ? storesPerSecond : fetchesPerSecond);
  const who = nodeIdText(asked.signer);
  const { [who]: held, ...others } = context[of];
  const left = take(held ?? fullBucket(rate, asked.atMs), rate, asked.atMs);
  if (left === undefined) return refuseStored(asked, { error: "forbidden", info: "rate" });
  const names = Object.keys(others);
  if (names.length >= BUCKETS_MAX) delete (others as Record<string, Bucket>)[names[0]!];
  const made = then(context);
  return { ...made, context: { ...made.context, [of]: { ...others, [who]: left } } };
};
const fetching = <E extends Of<KeeperEvent, "fetchReq" | "statReq" | "findReq">>(
  of: (context: KeeperContext, event: E) => KeeperDecision<"answer" | "refuse" | "count">,
) =>
  decide(["answer", "refuse", "count"], (context, event: E) =>
    paced(context, event.asked, "fetches", (now) => of(now, event)),
  );

const nowhere: RingView = { self: 0n, joined: false, predecessors: [], successors: [], fingers: [], linked: [] };

const stop = (timer: KeeperTimer) => ({ type: "stopTimer", timer }) as const;
const startExpire = give("startTimer", ({ settings: { timing } }) => ({ timer: "expire", ms: timing.expire }));

export const reloadKeeper = machine("reloadKeeper", {
  context: (settings) => ({
    settings,
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
  states: {
    keeping: {
      entry: startExpire,
      on: {
        storeReq: {
          actions: decide(
            ["save", "answer", "refuse", "count", "copy", "handedOver"],
            (context, event: Of<KeeperEvent, "storeReq">) =>
              saving(
                context,
                event.body.replica === 0
                  ? paced(context, event.asked, "stores", (now) => store(now, event))
                  : store(context, event),
              ),
          ),
        },
        fetchReq: { actions: fetching(fetch) },
        statReq: { actions: fetching(stat) },
        findReq: { actions: fetching(findClosest) },
        probeReq: { actions: give("answer", probe) },
        ring: { actions: decide(["copy", "handedOver", "startTimer"], ringChanged) },
        handOver: { actions: decide(["copy", "handedOver"], handOver) },
        copied: { actions: decide(["inquire", "copy", "handedOver", "startTimer"], copied) },
        recalled: {
          actions: decide(
            ["save", "inquire", "copy", "handedOver", "startTimer"],
            (context, event: Of<KeeperEvent, "recalled">) => saving(context, recalled(context, event)),
          ),
        },
        // What comes from the disk is not saved again.
        restored: { actions: assign(restored) },
        unsaved: { actions: decide(["undone"], unsaved) },
        configured: { actions: assign(({ settings }, { policy }) => ({ settings: { ...settings, ...policy } })) },
        statusAsked: {
          actions: give("status", ({ shelf, primaries, replicas }, { ticket }) => ({
            ticket,
            resources: shelf.resources,
            primaries,
            replicas,
          })),
        },
        closed: [
          { guard: isRepairing, target: "closed", actions: [stop("expire"), stop("repair")] },
          { target: "closed", actions: stop("expire") },
        ],
      },
      timers: {
        expire: {
          actions: [
            startExpire,
            decide(["save", "copy", "handedOver"], (context, { atMs }: Of<KeeperEvent, "timerFired">) =>
              saving(context, spring(context, atMs)),
            ),
          ],
        },
        repair: { actions: decide(["copy", "handedOver"], repairNow) },
      },
    },
    closed: { type: "final" },
  },
});

function isRepairing({ repairing }: KeeperContext): boolean {
  return repairing;
}
