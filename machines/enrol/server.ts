/**
 * The enrolment server: which Node-IDs a user gets, and how many. RFC 6940 §11.3.
 *
 *   came  -- too many wrong ones of that user or address lately -----------------> putOff
 *         -- else check: the password is looked at, at some cost ... asked
 *   asked -- too many meanwhile ------------------------------------------------> putOff
 *         -- password wrong, too many, name illegal -----------------------------> refuse
 *         -- the user has enough Node-IDs already ------------------------> issue
 *         -- else draw ... drawn: keep ... kept on disk: ----------------> issue ... issued | notIssued --> certify | refuse
 *
 * One state, since requests do not depend on each other; `pending` has those that are not answered yet. "If the same user returns, the
 * enrollment server should return the same Node-IDs": a user has one list, of which it gets the first n, and which grows
 * no longer than the limit.
 * Requirements: RFC 6940 §13.3, §13.6.2.
 */
import { type EnrolmentToken, reloadUri, userNameOf } from "../../codecs/enrol/mod.ts";
import { type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import { type Decision, type Note, type Of, setup } from "../kit/mod.ts";
import { addressBrake, type Brake, failed, forgiven, noBrake, userBrake, waitOf } from "./brake.ts";

export const NODE_ID_BYTES = 16;
export const ENROLMENTS_UNDER_WAY_MAX = 64;
export const ENROLLED_USERS_MAX = 100_000;

export interface Enrolled {
  readonly user: string;
  readonly nodeIds: ReadonlyArray<NodeId>;
}
export interface EnrolServerInput {
  readonly overlay: string;
  readonly nodeIdsPerUserMax: number;
  /** The users that have Node-IDs already. */
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
      /** The address (or network) whose wrong passwords are counted together. */
      readonly address: string;
      readonly atMs: number;
    }
  | { readonly type: "drawn"; readonly id: string; readonly random: Uint8Array }
  | { readonly type: "kept"; readonly id: string }
  | { readonly type: "notKept"; readonly id: string }
  | { readonly type: "issued"; readonly id: string; readonly certificate: Uint8Array }
  | { readonly type: "notIssued"; readonly id: string };

export type EnrolServerAction =
  /** Check its password; the result comes as `asked`. */
  | { readonly type: "check"; readonly id: string }
  | { readonly type: "draw"; readonly id: string; readonly bytes: number }
  /** The user's whole list, to outlive a restart before anything is certified. */
  | { readonly type: "keep"; readonly id: string; readonly user: string; readonly nodeIds: ReadonlyArray<NodeId> }
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
  | Note;

interface Pending {
  readonly id: string;
  readonly user: string;
  readonly email: string;
  readonly nodeIds: number;
  readonly csr: Uint8Array;
  readonly step: "drawing" | "keeping" | "issuing";
  /** The user's list while it is being written to the store. */
  readonly list: ReadonlyArray<NodeId>;
}
interface Context extends EnrolServerInput {
  readonly pending: ReadonlyArray<Pending>;
  /** Wrong passwords by user name, whether there is such a user or not, and by address. */
  readonly users: Brake;
  readonly addresses: Brake;
}

const { machine, assign, decide, give } = setup<{
  input: EnrolServerInput;
  context: Context;
  event: EnrolServerEvent;
  order: EnrolServerAction;
}>();
type Asked = Of<EnrolServerEvent, "asked">;
type WithId = Exclude<EnrolServerEvent, { readonly type: "came" }>;
type Decided<K extends EnrolServerAction["type"]> = Decision<Context, Of<EnrolServerAction, K>>;

const refuse = (token: EnrolmentToken) => give("refuse", (_, { id }: Asked) => ({ id, token }));
const braked = give("putOff", (_, { id }: Asked | Of<EnrolServerEvent, "came">) => ({ id, why: "brake" }));

const isBraked = ({ users, addresses }: Context, { user, address, atMs }: Asked | Of<EnrolServerEvent, "came">) =>
  waitOf(users, user, userBrake, atMs) > 0 || waitOf(addresses, address, addressBrake, atMs) > 0;
const isPasswordWrong = (_: Context, { isPasswordRight }: Asked): boolean => !isPasswordRight;
const isCountIllegal = ({ nodeIdsPerUserMax }: Context, { nodeIds }: Asked): boolean =>
  nodeIds < 1 || nodeIds > nodeIdsPerUserMax;
const isNameIllegal = ({ overlay }: Context, { user }: Asked): boolean => userNameOf(user, overlay) === undefined;
/** True also for an id that is pending already: it would be answered twice. */
const isFull = ({ pending, enrolled }: Context, { id }: Asked): boolean =>
  pending.length >= ENROLMENTS_UNDER_WAY_MAX ||
  enrolled.length + pending.length >= ENROLLED_USERS_MAX ||
  pending.some((one) => one.id === id);
const pendingAt = ({ pending }: Context, { id }: WithId, step: Pending["step"]): Pending | undefined =>
  pending.find((one) => one.id === id && one.step === step);
const hasDrawnEnough = (context: Context, event: Of<EnrolServerEvent, "drawn">): boolean => {
  const one = pendingAt(context, event, "drawing");
  return one !== undefined && event.random.length >= one.nodeIds * NODE_ID_BYTES;
};
const isKeeping = (context: Context, event: WithId): boolean => pendingAt(context, event, "keeping") !== undefined;
const isIssuing = (context: Context, event: WithId): boolean => pendingAt(context, event, "issuing") !== undefined;

export const enrolServer = machine("enrolServer", {
  context: (input) => ({ ...input, pending: [], users: noBrake, addresses: noBrake }),
  initial: "serving",
  states: {
    serving: {
      on: {
        came: [{ guard: isBraked, actions: braked }, { actions: give("check", (_, { id }) => ({ id })) }],
        asked: [
          { guard: isBraked, actions: braked },
          { guard: isPasswordWrong, actions: [assign(countFailure), refuse("failed_authentication")] },
          { guard: isCountIllegal, actions: refuse("Node-IDs_not_available") },
          { guard: isNameIllegal, actions: refuse("username_not_available") },
          { guard: isFull, actions: give("putOff", (_, { id }) => ({ id, why: "busy" })) },
          { actions: decide(["draw", "issue"], begin) },
        ],
        drawn: { guard: hasDrawnEnough, actions: decide(["keep"], keep) },
        kept: { guard: isKeeping, actions: decide(["issue"], issueKept) },
        notKept: { guard: isKeeping, actions: decide(["putOff"], forget) },
        issued: { guard: isIssuing, actions: decide(["certify"], certify) },
        notIssued: { guard: isIssuing, actions: decide(["refuse"], giveUp) },
      },
    },
  },
});

function countFailure({ users, addresses }: Context, { user, address, atMs }: Asked) {
  return { users: failed(users, user, atMs), addresses: failed(addresses, address, atMs) };
}

const nodeIdsOf = ({ enrolled }: Context, user: string): ReadonlyArray<NodeId> =>
  enrolled.find((one) => one.user === user)?.nodeIds ?? [];

/** A right password clears the user's own count, not the address's: a guesser may have an account too. */
function begin(context: Context, { id, user, nodeIds, csr }: Asked): Decided<"draw" | "issue"> {
  const isDrawing = nodeIdsOf(context, user).length < nodeIds;
  const step = isDrawing ? ("drawing" as const) : ("issuing" as const);
  const one: Pending = { id, user, email: userNameOf(user, context.overlay)!, nodeIds, csr, step, list: [] };
  return {
    context: { pending: [...context.pending, one], users: forgiven(context.users, user) },
    actions: [isDrawing ? { type: "draw", id, bytes: nodeIds * NODE_ID_BYTES } : issue(context, one)],
  };
}

/**
 * As many Node-IDs as the user still lacks: another request of the same user may have drawn some meanwhile, and its list
 * counts though it is not in the store yet.
 */
function keep(context: Context, { id, random }: Of<EnrolServerEvent, "drawn">): Decided<"keep"> {
  const one = context.pending.find((one) => one.id === id)!;
  const lists = context.pending.flatMap(({ user, list }) => (user === one.user ? [list] : []));
  const known = longest([nodeIdsOf(context, one.user), ...lists]);
  const fresh = Array.from({ length: Math.max(0, one.nodeIds - known.length) }, (_, i) =>
    nodeIdFrom(bigOf(random.slice(i * NODE_ID_BYTES, (i + 1) * NODE_ID_BYTES))),
  );
  const list = [...known, ...fresh];
  return {
    context: { pending: replaced(context.pending, one, { ...one, step: "keeping", list }) },
    actions: [{ type: "keep", id, user: one.user, nodeIds: list }],
  };
}

function issueKept(context: Context, { id }: Of<EnrolServerEvent, "kept">): Decided<"issue"> {
  const one = context.pending.find((one) => one.id === id)!;
  const { user } = one;
  const nodeIds = longest([nodeIdsOf(context, user), one.list]);
  const enrolled = [...context.enrolled.filter((other) => other.user !== user), { user, nodeIds }];
  const pending = replaced(context.pending, one, { ...one, step: "issuing", list: [] });
  return { context: { enrolled, pending }, actions: [issue({ ...context, enrolled }, one)] };
}

/** The store failed, and these Node-IDs were not given to the user, whose next request draws others. */
function forget({ pending }: Context, { id }: Of<EnrolServerEvent, "notKept">): Decided<"putOff"> {
  return {
    context: { pending: without(pending, id) },
    actions: [{ type: "putOff", id, why: "store" }],
  };
}

const longest = (lists: ReadonlyArray<ReadonlyArray<NodeId>>): ReadonlyArray<NodeId> =>
  lists.reduce((best, list) => (list.length > best.length ? list : best));
const replaced = (pending: ReadonlyArray<Pending>, one: Pending, by: Pending) =>
  pending.map((other) => (other === one ? by : other));

function issue(context: Context, { id, user, email, nodeIds, csr }: Pending): Of<EnrolServerAction, "issue"> {
  const uris = nodeIdsOf(context, user)
    .slice(0, nodeIds)
    .map((nodeId) => reloadUri({ nodeId, overlay: context.overlay }));
  return { type: "issue", id, csr, uris, email };
}

function certify({ pending }: Context, { id, certificate }: Of<EnrolServerEvent, "issued">): Decided<"certify"> {
  return { context: { pending: without(pending, id) }, actions: [{ type: "certify", id, certificate }] };
}

function giveUp({ pending }: Context, { id }: Of<EnrolServerEvent, "notIssued">): Decided<"refuse"> {
  return {
    context: { pending: without(pending, id) },
    actions: [{ type: "refuse", id, token: "bad_CSR" }],
  };
}

const without = (pending: ReadonlyArray<Pending>, id: string) => pending.filter((one) => one.id !== id);
