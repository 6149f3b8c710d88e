/**
 * Which configuration document is in force at a node, and who is told of it. RFC 6940 §6.3.2.1, §6.5.4, §11.1.
 *
 *   o --> inForce -- offered: newer, signed, good --> inForce   adopt, answer, then push to all neighbours
 *           |     -- offered: old, forged, ... -----> inForce   refuse
 *           |     -- heard an older sequence -------> inForce   push, once a node and sequence
 *           |     -- heard a newer one -------------> inForce   ask, once a node and sequence
 *           |     -- timer refresh -----------------> inForce   refresh: the enrolment server may have another
 *           |     -- offered: asks what we cannot --> gone      adopt, answer, leave
 *           +----- timer expire --------------------> gone      leave: nothing may be done by an expired document
 *
 * The host reads and verifies what is offered, since that takes long; what follows from it is decided here.
 * DECISIONS.md D-058.
 */
import { setup } from "xstate";
import {
  type ErrorName,
  isLaterSequence,
  type KindConfiguration,
  type OverlayConfiguration,
  unsupportedIn,
} from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";

/** Nodes remembered as told or asked; the one longest there goes first, and may be told again. */
export const TOLD_MAX = 256;
/** Kinds that ConfigUpdates may add to those of the document. */
const KINDS_MAX = 256;
/** A timer for longer than this is set again when it fires. */
const TIMER_MS_MAX = 24 * 3_600_000;
/** A new document is fetched in the last third of an old one's time. */
const REFRESH_AFTER = 2 / 3;
/** From one fetch to the next. */
const REFRESH_MS_MIN = 60_000;

export interface ConfigurationInput {
  readonly self: bigint;
  readonly overlay: OverlayConfiguration;
  readonly startedMs: number;
}

/** What was offered, read and verified; or why it cannot be believed. */
export type Offered =
  | { readonly type: "document"; readonly overlay: OverlayConfiguration }
  /** Each with the Node-ID that signed it. */
  | { readonly type: "kinds"; readonly kinds: ReadonlyArray<SignedBy> }
  | { readonly type: "unreadable"; readonly why: string }
  /** `sequence`: what the document says of itself. */
  | { readonly type: "forged"; readonly why: string; readonly sequence: number | undefined };
interface SignedBy {
  readonly kind: KindConfiguration;
  readonly by: bigint | "authority";
}

export type ConfigurationTimer = "refresh" | "expire";
export type ConfigurationEvent =
  /** `id` names the one who offered, for the answer. */
  | { readonly type: "offered"; readonly id: number; readonly offered: Offered; readonly atMs: number }
  | { readonly type: "heard"; readonly node: bigint; readonly sequence: number }
  /** A ConfigUpdate of ours was not answered: it may be tried again. */
  | { readonly type: "notPushed"; readonly node: bigint }
  | { readonly type: "timerFired"; readonly timer: ConfigurationTimer; readonly atMs: number };

export type ConfigurationAction =
  | { readonly type: "answer"; readonly id: number }
  | { readonly type: "refuse"; readonly id: number; readonly error: ErrorName; readonly info: string }
  | { readonly type: "adopt"; readonly id: number; readonly overlay: OverlayConfiguration }
  | { readonly type: "push"; readonly to: bigint }
  | { readonly type: "pushToNeighbours" }
  | { readonly type: "ask"; readonly node: bigint }
  | { readonly type: "refresh" }
  | { readonly type: "leave"; readonly why: string }
  | {
      readonly type: "startTimer";
      readonly timer: ConfigurationTimer;
      /** Drawn between these. */
      readonly betweenMs: readonly [min: number, max: number];
    }
  | { readonly type: "stopTimer"; readonly timer: ConfigurationTimer }
  | { readonly type: "note"; readonly unexpected: string };

interface Context extends ConfigurationInput {
  /** Who signed each Kind that came by a ConfigUpdate, by Kind-ID. */
  readonly signers: Readonly<Record<number, bigint | "authority">>;
  /** Nodes we have sent this document to, and those we have asked for a newer one, with the sequence they showed. */
  readonly pushed: Readonly<Record<string, number>>;
  readonly asked: Readonly<Record<string, number>>;
}
type EventOf<K extends ConfigurationEvent["type"]> = Extract<ConfigurationEvent, { readonly type: K }>;
type Step = Decision<Context, ConfigurationAction>;

const timers = ({ expirationMs }: OverlayConfiguration, nowMs: number): ReadonlyArray<ConfigurationAction> => {
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
const stopAll: ReadonlyArray<ConfigurationAction> = [
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

const isParting = ({ context, event: { offered, atMs } }: { context: Context; event: EventOf<"offered"> }): boolean =>
  offered.type === "document" &&
  objection(context, offered, atMs) === undefined &&
  farewell(context, offered.overlay) !== undefined;

const weigh = (context: Context, { id, offered, atMs }: EventOf<"offered">): Step => {
  const refuse = (error: ErrorName, info: string): Step => ({ actions: [{ type: "refuse", id, error, info }] });
  switch (offered.type) {
    case "unreadable":
      return refuse("invalidMessage", offered.why);
    case "forged": {
      const { sequence } = offered;
      const isOld = sequence !== undefined && !isLaterSequence(sequence, context.overlay.sequence);
      return isOld ? refuse("configTooOld", "") : refuse("forbidden", offered.why);
    }
    case "kinds":
      return takeKinds(context, id, offered.kinds);
    case "document": {
      const against = objection(context, offered, atMs);
      return against === undefined ? adopt(context, id, offered.overlay, atMs) : refuse(against.error, against.info);
    }
  }
};

const adopt = (context: Context, id: number, overlay: OverlayConfiguration, atMs: number): Step => {
  const why = farewell(context, overlay);
  const running = context.overlay.expirationMs === undefined ? [] : stopAll;
  return {
    // "the new information in the configuration files overrides any previously learned information", §11.1.
    context: { overlay, pushed: {}, asked: {}, signers: {} },
    actions: [
      { type: "adopt", id, overlay },
      { type: "answer", id },
      ...(why === undefined ? timersAgain(overlay, running, atMs) : running),
      { type: "pushToNeighbours" },
      ...(why === undefined ? [] : [{ type: "leave", why } as const]),
    ],
  };
};
/** Timers that go on are not stopped first: a start replaces. */
const timersAgain = (
  overlay: OverlayConfiguration,
  running: ReadonlyArray<ConfigurationAction>,
  atMs: number,
): ReadonlyArray<ConfigurationAction> => (overlay.expirationMs === undefined ? running : timers(overlay, atMs));

/** "if the Kind update conflicts with an existing known Kind (i.e., it is signed by a different signer)", §6.5.4.2. */
const takeKinds = (context: Context, id: number, given: ReadonlyArray<SignedBy>): Step => {
  const { overlay, signers } = context;
  const conflict = given.find(
    ({ kind, by }) => overlay.kinds.some((known) => known.kind === kind.kind) && signers[kind.kind] !== by,
  );
  const refuse = (error: ErrorName, info: string): Step => ({ actions: [{ type: "refuse", id, error, info }] });
  if (conflict !== undefined) return refuse("forbidden", `Kind ${conflict.kind.kind} has another signer`);
  const fresh = new Map(given.map(({ kind }) => [kind.kind, kind]));
  const kinds = [...overlay.kinds.filter(({ kind }) => !fresh.has(kind)), ...fresh.values()];
  if (kinds.length > KINDS_MAX) return refuse("forbidden", `over ${KINDS_MAX} Kinds`);
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
const heard = (context: Context, { node, sequence }: EventOf<"heard">): Step => {
  const { overlay, pushed, asked } = context;
  if (sequence === overlay.sequence || node === context.self) return {};
  const name = nodeIdText(node);
  if (isLaterSequence(overlay.sequence, sequence))
    return name in pushed
      ? {}
      : { context: { pushed: withTold(pushed, name, sequence) }, actions: [{ type: "push", to: node }] };
  return asked[name] === sequence
    ? {}
    : { context: { asked: withTold(asked, name, sequence) }, actions: [{ type: "ask", node }] };
};

const withTold = (told: Readonly<Record<string, number>>, name: string, sequence: number) => {
  const { [name]: _, ...others } = told;
  const names = Object.keys(others);
  const kept = names.length < TOLD_MAX ? others : Object.fromEntries(Object.entries(others).slice(1));
  return { ...kept, [name]: sequence };
};

const notPushed = ({ pushed }: Context, { node }: EventOf<"notPushed">): Step => {
  const { [nodeIdText(node)]: _, ...others } = pushed;
  return { context: { pushed: others } };
};

type Fired = { readonly context: Context; readonly event: EventOf<"timerFired"> };
const isOver = ({ context: { overlay }, event: { timer, atMs } }: Fired): boolean =>
  timer === "expire" && overlay.expirationMs !== undefined && overlay.expirationMs <= atMs;

/** The next look, or the refresh itself; a timer of before is borne. */
const fired = ({ overlay }: Context, { timer, atMs }: EventOf<"timerFired">): Step => {
  if (overlay.expirationMs === undefined) return {};
  const again = timers(overlay, atMs).filter((action) => action.type === "startTimer" && action.timer === timer);
  if (timer === "expire") return { actions: again };
  return { actions: [{ type: "refresh" }, ...again] };
};

const on = <K extends ConfigurationEvent["type"]>(_: K, of: (context: Context, event: EventOf<K>) => Step) =>
  decide<Context, EventOf<K>, ConfigurationAction>(of);

export const reloadConfiguration = machineOf<ConfigurationAction>()(
  setup({
    types: { input: {} as ConfigurationInput, context: {} as Context, events: {} as ConfigurationEvent },
    actions: declared<ConfigurationAction>({
      answer: true,
      refuse: true,
      adopt: true,
      push: true,
      pushToNeighbours: true,
      ask: true,
      refresh: true,
      leave: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
  }).createMachine({
    id: "reloadConfiguration",
    context: ({ input }) => ({ ...input, signers: {}, pushed: {}, asked: {} }),
    initial: "inForce",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      inForce: {
        entry: decide<Context, ConfigurationEvent, ConfigurationAction>(({ overlay, startedMs }) => ({
          actions: timers(overlay, startedMs),
        })),
        on: {
          offered: [
            { guard: isParting, target: "gone", actions: on("offered", weigh) },
            { actions: on("offered", weigh) },
          ],
          heard: { actions: on("heard", heard) },
          notPushed: { actions: on("notPushed", notPushed) },
          timerFired: [
            {
              guard: isOver,
              target: "gone",
              actions: [
                { type: "stopTimer", params: { timer: "refresh" } },
                { type: "leave", params: { why: "the configuration has expired, and there is no newer one" } },
              ],
            },
            { actions: on("timerFired", fired) },
          ],
        },
      },
      gone: { type: "final" },
    },
  }),
);
