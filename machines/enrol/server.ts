/**
 * The enrolment server: who may have how many Node-IDs, and which. RFC 6940 §11.3.
 *
 *   came  -- too many wrong ones of that user or address lately -----------------> putOff
 *         -- else check: the password is looked at, at some cost ... asked
 *   asked -- too many meanwhile ------------------------------------------------> putOff
 *         -- password wrong, too many, name illegal -----------------------------> refuse
 *         -- all its Node-IDs known --------------------------------------> issue
 *         -- else draw ... drawn: keep ... kept on disk: ----------------> issue ... issued | notIssued --> certify | refuse
 *
 * One state, since each request stands alone; what is under way stands in `pending`. "If the same user returns, the
 * enrollment server should return the same Node-IDs": a user has one list, of which it gets the first n, and which grows
 * no longer than the limit.
 */
import { setup } from "xstate";
import { type EnrolmentToken, reloadUri, userNameOf } from "../../codecs/enrol/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";
import { addressBrake, type Brake, failed, forgiven, noBrake, userBrake, waitOf } from "./brake.ts";

export const NODE_ID_BYTES = 16;
export const ENROLMENTS_UNDER_WAY_MAX = 64;
export const ENROLLED_USERS_MAX = 100_000;

export interface Enrolled {
  readonly user: string;
  readonly nodeIds: ReadonlyArray<bigint>;
}
export interface EnrolServerInput {
  readonly overlay: string;
  readonly nodeIdsPerUserMax: number;
  /** Who has which Node-IDs already. */
  readonly enrolled: ReadonlyArray<Enrolled>;
}

export type EnrolServerEvent =
  | {
      readonly type: "came";
      readonly id: string;
      readonly user: string;
      readonly address: string;
      readonly atMs: number;
    }
  | {
      readonly type: "asked";
      readonly id: string;
      readonly user: string;
      readonly isPasswordRight: boolean;
      readonly nodeIds: number;
      readonly csr: Uint8Array;
      /** Where it came from, as far as guesses are counted together. */
      readonly address: string;
      readonly atMs: number;
    }
  | { readonly type: "drawn"; readonly id: string; readonly random: Uint8Array }
  | { readonly type: "kept"; readonly id: string }
  | { readonly type: "notKept"; readonly id: string }
  | { readonly type: "issued"; readonly id: string; readonly certificate: Uint8Array }
  | { readonly type: "notIssued"; readonly id: string };

export type EnrolServerAction =
  /** Look at its password, and tell by `asked`. */
  | { readonly type: "check"; readonly id: string }
  | { readonly type: "draw"; readonly id: string; readonly bytes: number }
  /** The user's whole list, to outlive a restart before anything is certified. */
  | { readonly type: "keep"; readonly id: string; readonly user: string; readonly nodeIds: ReadonlyArray<bigint> }
  | {
      readonly type: "issue";
      readonly id: string;
      readonly csr: Uint8Array;
      readonly uris: ReadonlyArray<string>;
      readonly email: string;
    }
  | { readonly type: "certify"; readonly id: string; readonly certificate: Uint8Array }
  | { readonly type: "refuse"; readonly id: string; readonly token: EnrolmentToken }
  | { readonly type: "putOff"; readonly id: string; readonly why: "busy" | "brake" | "store" }
  | { readonly type: "note"; readonly unexpected: string };

type EventOf<T extends EnrolServerEvent["type"]> = Extract<EnrolServerEvent, { readonly type: T }>;

interface Pending {
  readonly id: string;
  readonly user: string;
  readonly email: string;
  readonly nodeIds: number;
  readonly csr: Uint8Array;
  readonly step: "drawing" | "keeping" | "issuing";
  /** The user's list as it is being kept. */
  readonly list: ReadonlyArray<bigint>;
}
interface Context extends EnrolServerInput {
  readonly pending: ReadonlyArray<Pending>;
  /** Wrong passwords by user name, whether there is such a user or not, and by address. */
  readonly users: Brake;
  readonly addresses: Brake;
}

export const enrolServer = machineOf<EnrolServerAction>()(
  setup({
    types: { input: {} as EnrolServerInput, context: {} as Context, events: {} as EnrolServerEvent },
    actions: declared<EnrolServerAction>({
      check: true,
      draw: true,
      keep: true,
      issue: true,
      certify: true,
      refuse: true,
      putOff: true,
      note: true,
    }),
  }).createMachine({
    id: "enrolServer",
    context: ({ input }) => ({ ...input, pending: [], users: noBrake, addresses: noBrake }),
    initial: "serving",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      serving: {
        on: {
          came: [
            {
              guard: ({ context, event }) => isBraked(context, event),
              actions: { type: "putOff", params: ({ event }) => ({ id: event.id, why: "brake" as const }) },
            },
            { actions: { type: "check", params: ({ event }) => ({ id: event.id }) } },
          ],
          asked: [
            {
              guard: ({ context, event }) => isBraked(context, event),
              actions: { type: "putOff", params: ({ event }) => ({ id: event.id, why: "brake" as const }) },
            },
            {
              guard: ({ event }) => !event.isPasswordRight,
              actions: [decide(count), refuse("failed_authentication")],
            },
            {
              guard: ({ context, event }) => event.nodeIds < 1 || event.nodeIds > context.nodeIdsPerUserMax,
              actions: refuse("Node-IDs_not_available"),
            },
            {
              guard: ({ context, event }) => userNameOf(event.user, context.overlay) === undefined,
              actions: refuse("username_not_available"),
            },
            {
              guard: ({ context, event }) => isFull(context, event.id),
              actions: { type: "putOff", params: ({ event }) => ({ id: event.id, why: "busy" as const }) },
            },
            { actions: decide(begin) },
          ],
          drawn: [
            { guard: ({ context, event }) => hasDrawn(context, event), actions: decide(keep) },
            { actions: { type: "note", params: { unexpected: "drawn" } } },
          ],
          kept: [
            { guard: ({ context, event }) => isAt(context, event.id, "keeping"), actions: decide(issueKept) },
            { actions: { type: "note", params: { unexpected: "kept" } } },
          ],
          notKept: [
            { guard: ({ context, event }) => isAt(context, event.id, "keeping"), actions: decide(forget) },
            { actions: { type: "note", params: { unexpected: "notKept" } } },
          ],
          issued: [
            { guard: ({ context, event }) => isAt(context, event.id, "issuing"), actions: decide(certify) },
            { actions: { type: "note", params: { unexpected: "issued" } } },
          ],
          notIssued: [
            { guard: ({ context, event }) => isAt(context, event.id, "issuing"), actions: decide(giveUp) },
            { actions: { type: "note", params: { unexpected: "notIssued" } } },
          ],
        },
      },
    },
  }),
);

function refuse(token: EnrolmentToken) {
  return { type: "refuse" as const, params: ({ event }: { event: { id: string } }) => ({ id: event.id, token }) };
}

/** An id that is already under way would be answered twice. */
const isFull = ({ pending, enrolled }: Context, id: string): boolean =>
  pending.length >= ENROLMENTS_UNDER_WAY_MAX ||
  enrolled.length + pending.length >= ENROLLED_USERS_MAX ||
  pending.some((one) => one.id === id);

const hasDrawn = ({ pending }: Context, { id, random }: EventOf<"drawn">): boolean =>
  pending.some((one) => one.id === id && one.step === "drawing" && random.length >= one.nodeIds * NODE_ID_BYTES);

const isAt = ({ pending }: Context, id: string, step: Pending["step"]): boolean =>
  pending.some((one) => one.id === id && one.step === step);

const isBraked = ({ users, addresses }: Context, { user, address, atMs }: Omit<EventOf<"came">, "type">): boolean =>
  waitOf(users, user, userBrake, atMs) > 0 || waitOf(addresses, address, addressBrake, atMs) > 0;

function count({ users, addresses }: Context, { user, address, atMs }: EventOf<"asked">) {
  return { context: { users: failed(users, user, atMs), addresses: failed(addresses, address, atMs) } };
}

const nodeIdsOf = ({ enrolled }: Context, user: string): ReadonlyArray<bigint> =>
  enrolled.find((one) => one.user === user)?.nodeIds ?? [];

/** A right password clears the user's own count, not the address's: a guesser may have an account too. */
function begin(context: Context, { id, user, nodeIds, csr }: EventOf<"asked">) {
  const isDrawing = nodeIdsOf(context, user).length < nodeIds;
  const step = isDrawing ? ("drawing" as const) : ("issuing" as const);
  const one: Pending = { id, user, email: userNameOf(user, context.overlay)!, nodeIds, csr, step, list: [] };
  return {
    context: { pending: [...context.pending, one], users: forgiven(context.users, user) },
    actions: [isDrawing ? { type: "draw" as const, id, bytes: nodeIds * NODE_ID_BYTES } : issue(context, one)],
  };
}

/**
 * Only what the user still lacks is taken: a second request of the same user may have drawn first, and its list counts
 * though it is not on disk yet.
 */
function keep(context: Context, { id, random }: EventOf<"drawn">) {
  const one = context.pending.find((one) => one.id === id)!;
  const lists = context.pending.flatMap(({ user, list }) => (user === one.user ? [list] : []));
  const known = longest([nodeIdsOf(context, one.user), ...lists]);
  const fresh = Array.from({ length: Math.max(0, one.nodeIds - known.length) }, (_, i) =>
    bigOf(random.slice(i * NODE_ID_BYTES, (i + 1) * NODE_ID_BYTES)),
  );
  const list = [...known, ...fresh];
  return {
    context: { pending: replaced(context.pending, one, { ...one, step: "keeping", list }) },
    actions: [{ type: "keep" as const, id, user: one.user, nodeIds: list }],
  };
}

function issueKept(context: Context, { id }: EventOf<"kept">) {
  const one = context.pending.find((one) => one.id === id)!;
  const { user } = one;
  const nodeIds = longest([nodeIdsOf(context, user), one.list]);
  const enrolled = [...context.enrolled.filter((other) => other.user !== user), { user, nodeIds }];
  const pending = replaced(context.pending, one, { ...one, step: "issuing", list: [] });
  return { context: { enrolled, pending }, actions: [issue({ ...context, enrolled }, one)] };
}

/** Nobody has been told these Node-IDs: the next request draws others. */
function forget({ pending }: Context, { id }: EventOf<"notKept">) {
  return {
    context: { pending: without(pending, id) },
    actions: [{ type: "putOff" as const, id, why: "store" as const }],
  };
}

const longest = (lists: ReadonlyArray<ReadonlyArray<bigint>>): ReadonlyArray<bigint> =>
  lists.reduce((best, list) => (list.length > best.length ? list : best));
const replaced = (pending: ReadonlyArray<Pending>, one: Pending, by: Pending) =>
  pending.map((other) => (other === one ? by : other));

function issue(context: Context, { id, user, email, nodeIds, csr }: Pending) {
  const uris = nodeIdsOf(context, user)
    .slice(0, nodeIds)
    .map((nodeId) => reloadUri({ nodeId, overlay: context.overlay }));
  return { type: "issue" as const, id, csr, uris, email };
}

function certify({ pending }: Context, { id, certificate }: EventOf<"issued">) {
  return { context: { pending: without(pending, id) }, actions: [{ type: "certify" as const, id, certificate }] };
}

function giveUp({ pending }: Context, { id }: EventOf<"notIssued">) {
  return {
    context: { pending: without(pending, id) },
    actions: [{ type: "refuse" as const, id, token: "bad_CSR" as const }],
  };
}

const without = (pending: ReadonlyArray<Pending>, id: string) => pending.filter((one) => one.id !== id);
