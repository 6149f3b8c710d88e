/**
 * Requests of the storage to other nodes: Stores of copies, and Stats and Fetches that ask which copies they have. Each
 * outcome goes back to the machine as an event.
 */
import { Clock, Effect } from "effect";
import { type BodyOf, type Destination, everything, toNode, toResource } from "../../codecs/reload/mod.ts";
import {
  confirmedVersions,
  copyOutcomeOf,
  type ValueStorageAction,
  type ValueStorageEvent,
} from "../../machines/reload/mod.ts";
import type { Sender } from "./sender.ts";

type Copy = Extract<ValueStorageAction, { readonly type: "copy" }>;
type Inquiry = Extract<ValueStorageAction, { readonly type: "inquire" }>;

export interface Copies {
  readonly copy: (order: Copy) => Effect.Effect<void>;
  /** The copy was not sent: what it copies could not be saved here. */
  readonly notCopied: (order: Copy) => Effect.Effect<void>;
  /** Asks which of these versions a node has; or, where it may have newer ones, fetches them. */
  readonly inquire: (order: Inquiry) => Effect.Effect<void>;
}

export const makeCopies = (
  { request }: Pick<Sender, "request">,
  tell: (event: ValueStorageEvent) => Effect.Effect<void>,
): Copies => {
  const copied = (event: Omit<Extract<ValueStorageEvent, { type: "copied" }>, "type" | "atMs">) =>
    Effect.flatMap(Clock.currentTimeMillis, (atMs) => tell({ type: "copied", ...event, atMs }));

  const copy: Copies["copy"] = Effect.fnUntraced(function* ({ to, body, versions, certificates }) {
    const target = to === undefined ? toResource(body.resource) : toNode(to);
    const { outcome } = yield* request([target], { type: "storeReq", value: body }, { certificates });
    yield* copied({ to, versions, outcome: copyOutcomeOf(outcome) });
  });

  const inquire: Copies["inquire"] = Effect.fnUntraced(function* (order) {
    const { to, resource, versions, isNewer } = order;
    const kinds = [...new Set(versions.map(({ kind }) => kind))];
    const specifiers = kinds.map((kind) => ({ kind, generation: 0n, specifier: everything(kind) }));
    const target = to === undefined ? toResource(resource) : toNode(to);
    if (isNewer) return yield* recall(order, target, specifiers);
    const { outcome } = yield* request([target], { type: "statReq", value: { resource, specifiers } });
    const confirmed = confirmedVersions(outcome, versions);
    yield* copied({ to, versions: confirmed, outcome: confirmed.length > 0 ? "stored" : "unanswered" });
  });

  const recall = Effect.fnUntraced(function* (
    { to, resource, versions }: Inquiry,
    target: Destination,
    specifiers: BodyOf<"fetchReq">["specifiers"],
  ) {
    const body = { type: "fetchReq", value: { resource, specifiers } } as const;
    const { outcome, signers } = yield* request([target], body, { verifiesValues: true });
    const answer = outcome.type === "answer" && outcome.body.type === "fetchAns" ? outcome.body.value : undefined;
    const kinds = answer?.kinds ?? [];
    const atMs = yield* Clock.currentTimeMillis;
    yield* tell({ type: "recalled", to, resource, versions, kinds, signers, atMs });
  });

  return { copy, notCopied: ({ to, versions }) => copied({ to, versions, outcome: "unanswered" }), inquire };
};
