/**
 * The enrolment server: who may have how many Node-IDs, and which. RFC 6940 §11.3.
 *
 *   asked -- password wrong, too many, name illegal ----------------------> refuse
 *         -- all its Node-IDs known ------------------------------> issue
 *         -- else draw ... drawn: kept for the user, then --------> issue ... issued | notIssued --> certify | refuse
 *
 * One state, since each request stands alone; what is under way stands in `pending`. "If the same user returns, the
 * enrollment server should return the same Node-IDs": a user has one list, of which it gets the first n, and which grows
 * no longer than the limit.
 */
import { setup } from "xstate";
import { type EnrolmentToken, reloadUri, userNameOf } from "../../codecs/enrol/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";

export const NODE_ID_BYTES = 16;
export const ENROLMENTS_UNDER_WAY_MAX = 64;
export const ENROLLED_USERS_MAX = 100_000;

export interface EnrolServerInput {
  readonly overlay: string;
  readonly nodeIdsPerUserMax: number;
}

export type EnrolServerEvent =
  | {
      readonly type: "asked";
      readonly id: string;
      readonly user: string;
      readonly isPasswordRight: boolean;
      readonly nodeIds: number;
      readonly csr: Uint8Array;
    }
  | { readonly type: "drawn"; readonly id: string; readonly random: Uint8Array }
  | { readonly type: "issued"; readonly id: string; readonly certificate: Uint8Array }
  | { readonly type: "notIssued"; readonly id: string };

export type EnrolServerAction =
  | { readonly type: "draw"; readonly id: string; readonly bytes: number }
  | {
      readonly type: "issue";
      readonly id: string;
      readonly csr: Uint8Array;
      readonly uris: ReadonlyArray<string>;
      readonly email: string;
    }
  | { readonly type: "certify"; readonly id: string; readonly certificate: Uint8Array }
  | { readonly type: "refuse"; readonly id: string; readonly token: EnrolmentToken }
  | { readonly type: "putOff"; readonly id: string }
  | { readonly type: "note"; readonly unexpected: string };

type EventOf<T extends EnrolServerEvent["type"]> = Extract<EnrolServerEvent, { readonly type: T }>;

interface Pending {
  readonly id: string;
  readonly user: string;
  readonly email: string;
  readonly nodeIds: number;
  readonly csr: Uint8Array;
  readonly isDrawing: boolean;
}
interface Context extends EnrolServerInput {
  readonly enrolled: ReadonlyArray<{ readonly user: string; readonly nodeIds: ReadonlyArray<bigint> }>;
  readonly pending: ReadonlyArray<Pending>;
}

export const enrolServer = machineOf<EnrolServerAction>()(
  setup({
    types: { input: {} as EnrolServerInput, context: {} as Context, events: {} as EnrolServerEvent },
    actions: declared<EnrolServerAction>({
      draw: true,
      issue: true,
      certify: true,
      refuse: true,
      putOff: true,
      note: true,
    }),
  }).createMachine({
    id: "enrolServer",
    context: ({ input }) => ({ ...input, enrolled: [], pending: [] }),
    initial: "serving",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      serving: {
        on: {
          asked: [
            { guard: ({ event }) => !event.isPasswordRight, actions: refuse("failed_authentication") },
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
              actions: { type: "putOff", params: ({ event }) => ({ id: event.id }) },
            },
            { actions: decide(begin) },
          ],
          drawn: [
            { guard: ({ context, event }) => hasDrawn(context, event), actions: decide(keep) },
            { actions: { type: "note", params: { unexpected: "drawn" } } },
          ],
          issued: [
            { guard: ({ context, event }) => isIssuing(context, event.id), actions: decide(certify) },
            { actions: { type: "note", params: { unexpected: "issued" } } },
          ],
          notIssued: [
            { guard: ({ context, event }) => isIssuing(context, event.id), actions: decide(giveUp) },
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
  pending.some((one) => one.id === id && one.isDrawing && random.length >= one.nodeIds * NODE_ID_BYTES);

const isIssuing = ({ pending }: Context, id: string): boolean => pending.some((one) => one.id === id && !one.isDrawing);

const nodeIdsOf = ({ enrolled }: Context, user: string): ReadonlyArray<bigint> =>
  enrolled.find((one) => one.user === user)?.nodeIds ?? [];

function begin(context: Context, { id, user, nodeIds, csr }: EventOf<"asked">) {
  const isDrawing = nodeIdsOf(context, user).length < nodeIds;
  const one: Pending = { id, user, email: userNameOf(user, context.overlay)!, nodeIds, csr, isDrawing };
  return {
    context: { pending: [...context.pending, one] },
    actions: [isDrawing ? { type: "draw" as const, id, bytes: nodeIds * NODE_ID_BYTES } : issue(context, one)],
  };
}

/** Only what the user still lacks is taken: a second request of the same user may have drawn first. */
function keep(context: Context, { id, random }: EventOf<"drawn">) {
  const one = context.pending.find((one) => one.id === id)!;
  const known = nodeIdsOf(context, one.user);
  const fresh = Array.from({ length: Math.max(0, one.nodeIds - known.length) }, (_, i) =>
    bigOf(random.slice(i * NODE_ID_BYTES, (i + 1) * NODE_ID_BYTES)),
  );
  const others = context.enrolled.filter(({ user }) => user !== one.user);
  const next: Context = {
    ...context,
    enrolled: [...others, { user: one.user, nodeIds: [...known, ...fresh] }],
    pending: context.pending.map((other) => (other === one ? { ...one, isDrawing: false } : other)),
  };
  return { context: { enrolled: next.enrolled, pending: next.pending }, actions: [issue(next, one)] };
}

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
