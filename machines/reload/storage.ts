/**
 * The values that this node stores for others: accepted by rule, returned on request, copied to the nodes that are
 * responsible for them, dropped when they expire. RFC 6940 §7.4, §10.4; docs/protocol/overlay.md#storage.
 *
 *   o --> keeping -- storeReq, fetchReq, statReq, findReq, probeReq --> keeping   answer or refuse, copy, count
 *            |   \-- ring, handOver, copied, recalled, timerFired ----> keeping   copy, inquire, handedOver
 *            |    \- restored, unsaved -------------------------------> keeping   undone
 *            +------ closed --> closed   stopTimer
 *
 * A decision that changes an entry or a generation counter orders `save` first.
 * Requirements: RFC 6940 §10.5, §10.7.3, §11.1.
 */
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { type Decision, type Of, setup } from "../kit/mod.ts";
import { refuseStored, store } from "./admit.ts";
import { bucketOf, noBuckets, withBucket } from "./buckets.ts";
import { fetch, findClosest, probe, stat } from "./lookup.ts";
import type { Asked } from "./peer-types.ts";
import { fullBucket, take } from "./quota.ts";
import { recalled } from "./recall.ts";
import { copied, handOver, repairNow, ringChanged, spring } from "./repair.ts";
import { restored } from "./restoring.ts";
import type { RingView } from "./ring.ts";
import { saving, unsaved } from "./saving.ts";
import type {
  ValueStorageAction,
  ValueStorageContext,
  ValueStorageDecision,
  ValueStorageEvent,
  ValueStorageSettings,
  ValueStorageTimer,
} from "./storage-types.ts";
import { emptyValueTable } from "./value-table.ts";

/** Requests of a node that keeps its rate may still arrive in groups, by retransmission and by its own burst. */
const RATE_TOLERANCE = 2;

const { machine, assign, decide, give } = setup<{
  input: ValueStorageSettings;
  context: ValueStorageContext;
  event: ValueStorageEvent;
  order: ValueStorageAction;
}>();

/** Takes a token from the asker's bucket or refuses with Forbidden `rate`: docs/protocol/overlay.md#storage. */
const paced = <A extends ValueStorageAction>(
  context: ValueStorageContext,
  asked: Asked,
  of: "stores" | "fetches",
  then: (context: ValueStorageContext) => Decision<ValueStorageContext, A>,
): Decision<ValueStorageContext, A | Of<ValueStorageAction, "refuse" | "count">> => {
  const { storesPerSecond, fetchesPerSecond } = context.settings;
  const rate = RATE_TOLERANCE * (of === "stores" ? storesPerSecond : fetchesPerSecond);
  const who = nodeIdText(asked.signer);
  const left = take(bucketOf(context[of], who) ?? fullBucket(rate, asked.atMs), rate, asked.atMs);
  if (left === undefined) return refuseStored(asked, { error: "forbidden", info: "rate" });
  const made = then(context);
  return { ...made, context: { ...made.context, [of]: withBucket(context[of], who, left) } };
};
const fetching = <E extends Of<ValueStorageEvent, "fetchReq" | "statReq" | "findReq">>(
  of: (context: ValueStorageContext, event: E) => ValueStorageDecision<"answer" | "refuse" | "count">,
) =>
  decide(["answer", "refuse", "count"], (context, event: E) =>
    paced(context, event.asked, "fetches", (now) => of(now, event)),
  );

const nowhere: RingView = {
  self: nodeIdFrom(0n),
  joined: false,
  predecessors: [],
  successors: [],
  fingers: [],
  linked: [],
};

const stop = (timer: ValueStorageTimer) => ({ type: "stopTimer", timer }) as const;
const startExpire = give("startTimer", ({ settings: { timing } }) => ({ timer: "expire", ms: timing.expire }));

export const reloadStorage = machine("reloadStorage", {
  context: (settings) => ({
    settings,
    view: nowhere,
    valueTable: emptyValueTable,
    primaries: {},
    replicas: {},
    stores: noBuckets,
    fetches: noBuckets,
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
            (context, event: Of<ValueStorageEvent, "storeReq">) =>
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
            (context, event: Of<ValueStorageEvent, "recalled">) => saving(context, recalled(context, event)),
          ),
        },
        // Events that come from the disk must not order `save`.
        restored: { actions: assign(restored) },
        unsaved: { actions: decide(["undone"], unsaved) },
        configured: { actions: assign(({ settings }, { policy }) => ({ settings: { ...settings, ...policy } })) },
        statusAsked: {
          actions: give("status", ({ valueTable, primaries, replicas }, { ticket }) => ({
            ticket,
            resources: valueTable.resources,
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
            decide(["save", "copy", "handedOver"], (context, { atMs }: Of<ValueStorageEvent, "timerFired">) =>
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

function isRepairing({ repairing }: ValueStorageContext): boolean {
  return repairing;
}
