/**
 * Which configuration document is in force at a node, and which nodes are sent it. RFC 6940 §6.3.2.1, §6.5.4, §11.1.
 *
 *   o --> inForce -- offered: newer, signed, good --> inForce   adopt, answer, then push to all neighbours
 *           |     -- offered: old, forged, ... -----> inForce   refuse
 *           |     -- heard an older sequence -------> inForce   push, and for that node not again until pushOver
 *           |     -- heard a newer one -------------> inForce   ask, once for each node and sequence
 *           |     -- timer refresh -----------------> inForce   refresh: the enrolment server may have another
 *           |     -- offered: asks what we cannot --> gone      adopt, answer, leave
 *           +----- timer expire --------------------> gone      leave: nothing may be done by an expired document
 *
 * The host reads and verifies what is offered, since that takes long; what follows from it is decided here.
 * DECISIONS.md D-058.
 */
import { isLaterSequence, type OverlayConfiguration, unsupportedIn } from "../../codecs/overlay/mod.ts";
import type { ErrorName } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { type Decision, type Of, setup } from "../kit/mod.ts";
import type {
  ConfigurationAction,
  ConfigurationContext,
  ConfigurationEvent,
  ConfigurationInput,
  SignedBy,
} from "./configuration-types.ts";

/** Nodes remembered because a document was sent to them or asked of them; the oldest is forgotten first, and may be sent it again. */
export const NOTIFIED_MAX = 256;
/** Kinds that ConfigUpdates may add to those of the document. */
const KINDS_MAX = 256;
/** A timer for longer than this is set again when it fires. */
const TIMER_MS_MAX = 24 * 3_600_000;
/** A new document is fetched in the last third of an old one's time. */
const REFRESH_AFTER = 2 / 3;
/** From one fetch to the next. */
const REFRESH_MS_MIN = 60_000;

type Context = ConfigurationContext;
type Made<K extends ConfigurationAction["type"]> = Decision<Context, Of<ConfigurationAction, K>>;

const { machine, assign, decide } = setup<{
  input: ConfigurationInput;
  context: Context;
  event: ConfigurationEvent;
  order: ConfigurationAction;
}>();

const timers = (
  { expirationMs }: OverlayConfiguration,
  nowMs: number,
): ReadonlyArray<Of<ConfigurationAction, "startTimer">> => {
  if (expirationMs === undefined) return [];
  const left = Math.max(0, expirationMs - nowMs);
  const capped = (ms: number) => Math.min(TIMER_MS_MAX, Math.ceil(ms));
  const spaced = (ms: number) => Math.max(REFRESH_MS_MIN, capped(ms));
  return [
    { type: "startTimer", timer: "expire", betweenMs: [capped(left), capped(left)] },
    // "at a randomly selected time that is before the expiration time", §11.1.
    { type: "startTimer", timer: "refresh", betweenMs: [spaced(left * REFRESH_AFTER), spaced(left)] },
  ];
};
const stopAll: ReadonlyArray<Of<ConfigurationAction, "stopTimer">> = [
  { type: "stopTimer", timer: "refresh" },
  { type: "stopTimer", timer: "expire" },
];

/** Why a document that was read and verified may still not come into force. */
const objection = ({ overlay: ours }: Context, { overlay }: { overlay: OverlayConfiguration }, atMs: number) => {
  if (overlay.name !== ours.name) return { error: "forbidden", info: "another overlay" } as const;
  if (!isLaterSequence(overlay.sequence, ours.sequence))
    return { error: "configTooOld", info: `sequence ${ours.sequence} is in force` } as const;
  if (overlay.expirationMs !== undefined && overlay.expirationMs <= atMs)
    return { error: "forbidden", info: "expired" } as const;
  return undefined;
};

/** Why this node may not stay under that document. */
const farewell = ({ self }: Context, overlay: OverlayConfiguration): string | undefined => {
  if (overlay.badNodes.includes(self)) return "the configuration lists this node as bad";
  const missing = unsupportedIn(overlay);
  return missing.length === 0 ? undefined : `the configuration asks for ${missing.join(", ")}`;
};

const endsMembership = (context: Context, { offered, atMs }: Of<ConfigurationEvent, "offered">): boolean =>
  offered.type === "document" &&
  objection(context, offered, atMs) === undefined &&
  farewell(context, offered.overlay) !== undefined;
const hasExpiration = ({ overlay }: Context): boolean => overlay.expirationMs !== undefined;

const refused = (id: number, error: ErrorName, info: string): Made<"refuse"> => ({
  actions: [{ type: "refuse", id, error, info }],
});

type Weighed = Made<"refuse" | "adopt" | "answer" | "startTimer" | "stopTimer" | "pushToNeighbours">;
const weigh = (context: Context, { id, offered, atMs }: Of<ConfigurationEvent, "offered">): Weighed => {
  switch (offered.type) {
    case "unreadable":
      return refused(id, "invalidMessage", offered.why);
    case "forged": {
      const { sequence } = offered;
      const isOld = sequence !== undefined && !isLaterSequence(sequence, context.overlay.sequence);
      return isOld ? refused(id, "configTooOld", "") : refused(id, "forbidden", offered.why);
    }
    case "kinds":
      return takeKinds(context, id, offered.kinds);
    case "document": {
      const against = objection(context, offered, atMs);
      return against === undefined
        ? adopt(context, id, offered.overlay, atMs)
        : refused(id, against.error, against.info);
    }
  }
};

const adopt = (context: Context, id: number, overlay: OverlayConfiguration, atMs: number): Weighed => ({
  context: inForce(overlay),
  actions: [
    { type: "adopt", id, overlay },
    { type: "answer", id },
    ...timersAgain(overlay, runningIn(context), atMs),
    { type: "pushToNeighbours" },
  ],
});
/** The document comes into force, and this node goes: its neighbours hear why from the document itself. */
const adoptAndLeave = (
  context: Context,
  { id, offered }: Of<ConfigurationEvent, "offered">,
): Made<"adopt" | "answer" | "stopTimer" | "pushToNeighbours" | "leave"> => {
  const overlay = offered.type === "document" ? offered.overlay : context.overlay;
  return {
    context: inForce(overlay),
    actions: [
      { type: "adopt", id, overlay },
      { type: "answer", id },
      ...runningIn(context),
      { type: "pushToNeighbours" },
      { type: "leave", why: farewell(context, overlay) ?? "" },
    ],
  };
};
/** "the new information in the configuration files overrides any previously learned information", §11.1. */
const inForce = (overlay: OverlayConfiguration) => ({ overlay, pushed: {}, asked: {}, signers: {} });
const runningIn = ({ overlay }: Context) => (overlay.expirationMs === undefined ? [] : stopAll);
/** Timers that go on are not stopped first: a start replaces. */
const timersAgain = (
  overlay: OverlayConfiguration,
  running: ReadonlyArray<Of<ConfigurationAction, "stopTimer">>,
  atMs: number,
): ReadonlyArray<Of<ConfigurationAction, "startTimer" | "stopTimer">> =>
  overlay.expirationMs === undefined ? running : timers(overlay, atMs);

/** "if the Kind update conflicts with an existing known Kind (i.e., it is signed by a different signer)", §6.5.4.2. */
const takeKinds = (
  context: Context,
  id: number,
  given: ReadonlyArray<SignedBy>,
): Made<"refuse" | "adopt" | "answer"> => {
  const { overlay, signers } = context;
  const conflict = given.find(
    ({ kind, by }) => overlay.kinds.some((known) => known.kind === kind.kind) && signers[kind.kind] !== by,
  );
  if (conflict !== undefined) return refused(id, "forbidden", `Kind ${conflict.kind.kind} has another signer`);
  const fresh = new Map(given.map(({ kind }) => [kind.kind, kind]));
  const kinds = [...overlay.kinds.filter(({ kind }) => !fresh.has(kind)), ...fresh.values()];
  if (kinds.length > KINDS_MAX) return refused(id, "forbidden", `over ${KINDS_MAX} Kinds`);
  const now = { ...overlay, kinds };
  return {
    context: {
      overlay: now,
      signers: { ...signers, ...Object.fromEntries(given.map(({ kind, by }) => [kind.kind, by])) },
    },
    actions: [
      { type: "adopt", id, overlay: now },
      { type: "answer", id },
    ],
  };
};

/** "Whenever a node detects that another node has old configuration data, it MUST generate a ConfigUpdate request", §6.5.4. */
const heard = (context: Context, { node, sequence }: Of<ConfigurationEvent, "heard">): Made<"push" | "ask"> => {
  const { overlay, pushed, asked } = context;
  if (sequence === overlay.sequence || node === context.self) return {};
  const name = nodeIdText(node);
  if (isLaterSequence(overlay.sequence, sequence))
    return name in pushed
      ? {}
      : { context: { pushed: withNotified(pushed, name, sequence) }, actions: [{ type: "push", to: node }] };
  return asked[name] === sequence
    ? {}
    : { context: { asked: withNotified(asked, name, sequence) }, actions: [{ type: "ask", node }] };
};

const withNotified = (notified: Readonly<Record<string, number>>, name: string, sequence: number) => {
  const { [name]: _, ...others } = notified;
  const names = Object.keys(others);
  const recent = names.length < NOTIFIED_MAX ? others : Object.fromEntries(Object.entries(others).slice(1));
  return { ...recent, [name]: sequence };
};

const pushOver = ({ pushed }: Context, { node }: Of<ConfigurationEvent, "pushOver">) => {
  const { [nodeIdText(node)]: _, ...others } = pushed;
  return { pushed: others };
};

const isExpired = ({ overlay }: Context, { atMs }: Of<ConfigurationEvent, "timerFired">): boolean =>
  overlay.expirationMs !== undefined && overlay.expirationMs <= atMs;

/** The same timer again, where there is still something to wait for. */
const again = decide(["startTimer"], ({ overlay }, { timer, atMs }: Of<ConfigurationEvent, "timerFired">) => ({
  actions: timers(overlay, atMs).filter((started) => started.timer === timer),
}));

export const reloadConfiguration = machine("reloadConfiguration", {
  context: (input) => ({ ...input, signers: {}, pushed: {}, asked: {} }),
  initial: "inForce",
  states: {
    inForce: {
      entry: decide(["startTimer"], ({ overlay, startedMs }) => ({ actions: timers(overlay, startedMs) })),
      on: {
        offered: [
          {
            guard: endsMembership,
            target: "gone",
            actions: decide(["adopt", "answer", "stopTimer", "pushToNeighbours", "leave"], adoptAndLeave),
          },
          { actions: decide(["refuse", "adopt", "answer", "startTimer", "stopTimer", "pushToNeighbours"], weigh) },
        ],
        heard: { actions: decide(["push", "ask"], heard) },
        pushOver: { actions: assign(pushOver) },
      },
      timers: {
        expire: [
          {
            guard: isExpired,
            target: "gone",
            actions: [
              { type: "stopTimer", timer: "refresh" },
              { type: "leave", why: "the configuration has expired, and there is no newer one" },
            ],
          },
          { actions: again },
        ],
        refresh: [
          { guard: hasExpiration, actions: [{ type: "refresh" }, again] },
          {}, // set under a document before this one
        ],
      },
    },
    gone: { type: "final" },
  },
});
