/** What the parts above the messages ask of the node: requests that wait for their outcome, and answers. */
import { Effect } from "effect";
import type { Body, Destination, NodeId, Request } from "../../codecs/reload/mod.ts";
import type { NodeEvent, NodeReport } from "../../machines/node/mod.ts";
import type { ReloadOutcome, ReplyTo, Signers } from "../../machines/reload/mod.ts";
import { Replies } from "../kit/mod.ts";

/** How a request ended. */
export interface Reply {
  readonly outcome: ReloadOutcome;
  /** Of a Fetch whose values were to be verified: who signed each. */
  readonly signers: Signers;
}

export interface RequestOptions {
  /** The link to send it on; by routing when absent, or when there is no such link. */
  readonly over?: NodeId | undefined;
  /** Certificates of the signers of values in the body. */
  readonly certificates?: ReadonlyArray<Uint8Array>;
  readonly verifiesValues?: boolean;
}

export interface Sender {
  readonly request: (to: ReadonlyArray<Destination>, body: Request, options?: RequestOptions) => Effect.Effect<Reply>;
  readonly answer: (reply: ReplyTo, body: Body, certificates?: ReadonlyArray<Uint8Array>) => Effect.Effect<void>;
}

export interface Requests extends Sender {
  /** The node reports the outcome of a request. */
  readonly ended: (report: NodeReport & { readonly type: "ended" }) => Effect.Effect<void>;
}

export const makeRequests = (tell: (event: NodeEvent) => void): Requests => {
  const waiting = new Replies<number, Reply>();
  return {
    request: (destinations, body, options = {}) =>
      Effect.suspend(() => {
        const ref = waiting.nextRef();
        const asking = Effect.sync(() => tell({ type: "requested", request: { ref, destinations, body, ...options } }));
        return Effect.onInterrupt(waiting.ask(ref, asking), () => Effect.sync(() => tell({ type: "abandoned", ref })));
      }),
    answer: (reply, body, certificates = []) =>
      Effect.sync(() => tell({ type: "answered", reply, body, certificates })),
    ended: ({ ref, outcome, signers }) => waiting.answer(ref, { outcome, signers }),
  };
};
