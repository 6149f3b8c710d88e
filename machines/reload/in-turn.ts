/** Several decisions of a Chord node in one step, one after another. Functions only. */
import type { Decision, KnownDecision } from "../kit/chart.ts";
import type { PeerAction, PeerContext } from "./peer-types.ts";

type Part = (context: PeerContext) => Decision<PeerContext, PeerAction>;
/** Refuses changes of a field that the context does not have. */
type Known<D extends ReadonlyArray<Part>> = {
  readonly [I in keyof D]: (context: PeerContext) => KnownDecision<ReturnType<D[I]>, PeerContext>;
};
type OrdersOf<D> = D extends { readonly actions?: infer L }
  ? NonNullable<L> extends ReadonlyArray<infer A>
    ? A
    : never
  : never;

/** Each sees the context that the one before it left; the orders are those of all of them, first to last. */
export function inTurn<const D extends ReadonlyArray<Part>>(
  context: PeerContext,
  ...decisions: D & Known<D>
): Decision<PeerContext, OrdersOf<ReturnType<D[number]>>>;
export function inTurn(context: PeerContext, ...decisions: ReadonlyArray<Part>): ReturnType<Part> {
  let now = context;
  const actions: Array<PeerAction> = [];
  for (const decision of decisions) {
    const { context: changed, actions: more } = decision(now);
    if (changed !== undefined) now = { ...now, ...changed };
    if (more !== undefined) actions.push(...more);
  }
  return { context: now === context ? undefined : now, actions };
}
