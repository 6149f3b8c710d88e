/** What a call agent sends within a call: by way of its border element, which knows where the other end is. */
import { Effect } from "effect";
import { hexOf } from "../../codecs/shared/mod.ts";
import {
  badRequestOf,
  type Dialog,
  MAGIC_BRANCH,
  requestIn,
  type SentBy,
  type Unreadable,
} from "../../codecs/sip/mod.ts";
import type { HostPort } from "../../machines/sip/mod.ts";
import { type DialFailed, Entropy } from "../ports/mod.ts";
import type { ClientTold } from "./client-transaction.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Flow } from "./flow.ts";

/** A call agent's place among its neighbours. */
export interface Place {
  readonly endpoint: Endpoint;
  readonly by: SentBy;
  /** Undefined until it is told. */
  readonly border: () => HostPort | undefined;
}

export const newBranch = Effect.flatMap(Effect.service(Entropy), (entropy) =>
  Effect.map(entropy.bytes(8), (bytes) => `${MAGIC_BRANCH}${hexOf(bytes)}`),
);
export const newTag = Effect.flatMap(Effect.service(Entropy), (entropy) => Effect.map(entropy.bytes(8), hexOf));

/** Refuses what could not be read, where the stream goes on behind it. RFC 3261 §21.4.1. */
export const sendBadRequest = (flow: Flow, found: Unreadable) =>
  Effect.flatMap(newTag, (toTag) => {
    const response = badRequestOf(found, toTag);
    return response === undefined ? Effect.void : flow.send(response);
  });

export const toBorder = ({ endpoint, border }: Place): Effect.Effect<Flow, DialFailed> => {
  return endpoint.to(border() ?? { host: "", port: 0 });
};

export const sendAck = (place: Place, dialog: Dialog | undefined) =>
  Effect.gen(function* () {
    if (dialog === undefined) return;
    const flow = yield* toBorder(place);
    yield* flow.send(requestIn(dialog, "ACK", place.by, yield* newBranch));
  }).pipe(Effect.catchTag("DialFailed", ({ why }) => Effect.logInfo("agent.ackLost", why)));

/** `done` when it was answered, and also when it never will be: the call is over for us. */
export const sendBye = (place: Place, dialog: Dialog | undefined, done: Effect.Effect<void>) =>
  Effect.gen(function* () {
    if (dialog === undefined) return yield* done;
    const flow = yield* toBorder(place);
    const told = (it: ClientTold) => (it.type === "received" && it.response.status < 200 ? Effect.void : done);
    yield* place.endpoint.ask(flow, requestIn(dialog, "BYE", place.by, yield* newBranch), told);
  }).pipe(Effect.catchTag("DialFailed", () => done));
