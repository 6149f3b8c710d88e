/**
 * Hosts a call agent's session with its ViPR server, over as many connections as it takes.
 *
 *   publish, upload ... --> mailbox <-- connected, lost, answered, asked -- link.ts <-> Dialer
 *                              |
 *                            step --> connect, ask, answer --> link.ts
 *                                 --> settle               --> the caller
 *                                 --> learned --> learn: stored --> kept --> the Notify is answered
 *
 * DECISIONS.md D-112.
 */

import { Clock, Effect, Queue, type Scope, SubscriptionRef } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";
import type { Of } from "../../machines/kit/mod.ts";
import { TI_MS, type VapClientAction, type VapClientEvent, vapClient } from "../../machines/vap/mod.ts";
import { drive, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import { type Credentials, type Dialer, Entropy } from "../ports/mod.ts";
import { clientOf, jobTable, type VapClient, type VapState } from "./jobs.ts";
import { vapLink } from "./link.ts";

/** Routes that were learned and not yet taken; the next is not answered, so that the server tells it again. */
export const LEARNED_MAX = 1_024;
const MAILBOX_EVENTS_MAX = 256;
const RECONNECT_MS = [1_000, 2_000] as const;

/** Which server, as whom, for which VService. Times in ms. */
export interface VapClientOptions {
  readonly host: string;
  readonly port: number;
  /** Plain TCP when absent: servers take it on loopback only. */
  readonly tls?: Credentials;
  readonly username: string;
  readonly password: string;
  /** Product, version, host: for the server's operator. */
  readonly name: string;
  readonly vservice: VServiceId;
  /** Default 1. */
  readonly instance?: bigint;
  /** Default the draft's Ti, 39.5 s. */
  readonly timeoutMs?: number;
  /**
   * Stores what a Notify has brought; the server has its answer when this succeeds with true, and sends the Notify again
   * otherwise. Default: true once the queue `learned` has it.
   */
  readonly learn?: (info: ValInfo) => Effect.Effect<boolean>;
  /** Wait between connections, doubled up to 64 times as failures follow one another. Default 1 to 2 s. */
  readonly reconnectMs?: readonly [min: number, max: number];
}

/** Connects in the background and stays connected until the scope closes; while the server is away it tries again. */
export const connectVap = Effect.fn("vap.client")(function* (
  options: VapClientOptions,
): Effect.fn.Return<VapClient, never, Dialer | Entropy | Scope.Scope> {
  const { host, port, tls, username, password, name, vservice } = options;
  const { instance = 1n, timeoutMs = TI_MS, reconnectMs = RECONNECT_MS } = options;
  const entropy = yield* Entropy;
  const box = yield* mailbox<VapClientEvent>(MAILBOX_EVENTS_MAX);
  const target = { host, port, ...(tls === undefined ? {} : { tls }) };
  const link = yield* vapLink({ target, username, password, timeoutMs }, box.tell);
  const learned = yield* Queue.dropping<ValInfo>(LEARNED_MAX);
  const arrived = yield* Queue.dropping<Of<VapClientAction, "learned">>(LEARNED_MAX);
  const state = yield* SubscriptionRef.make<VapState>({ isUp: false, why: "connecting" });
  const jobs = jobTable(box);

  /** A server that is away is reported once, and again when the reason is another. */
  const reported = ({ what, why }: Of<VapClientAction, "report">) =>
    Effect.suspend(() => {
      const isUp = what === "registered" || what === "published";
      const before = SubscriptionRef.getUnsafe(state);
      const isNews = before.isUp !== isUp || (!isUp && before.why !== why);
      const log =
        what === "published" && before.isUp
          ? Effect.logDebug
          : isUp
            ? Effect.logInfo
            : isNews
              ? Effect.logWarning
              : Effect.logDebug;
      return Effect.andThen(SubscriptionRef.set(state, { isUp, why }), log(`vap.client.${what}`, why));
    });
  const perform = (action: OwnOrder<VapClientAction>): Effect.Effect<void> => {
    switch (action.type) {
      case "connect":
        return link.connect;
      case "disconnect":
        return link.disconnect;
      case "ask":
        return link.ask(action.ask, action.request);
      case "answer":
        return link.answer(action.content, action.transactionId);
      case "settle":
        return jobs.settle(action.ref, action.result);
      case "learned":
        return Effect.asVoid(Queue.offer(arrived, action)); // without room there is no answer: it comes again
      case "report":
        return reported(action);
    }
  };
  const { learn = (info) => Queue.offer(learned, info) } = options;
  const keep = Effect.flatMap(Queue.take(arrived), ({ info, transactionId }) =>
    Effect.flatMap(learn(info), (isKept) =>
      Effect.andThen(
        isKept ? Effect.void : Effect.logWarning("vap.learned.notKept"),
        box.tell({ type: "kept", transactionId, isKept }),
      ),
    ),
  );
  yield* Effect.forkScoped(Effect.forever(keep));
  // Must exceed every version used before a restart; Unix seconds do, unless we published more than once a second.
  const firstVersion = Math.floor((yield* Clock.currentTimeMillis) / 1000);
  const { between } = entropy;
  const all = performing(box, { unexpected: "vap.unexpected", between }, perform);
  const session = drive(vapClient, { name, vservice, instance, firstVersion, reconnectMs }, box, all, username);
  yield* Effect.forkScoped(Effect.ensuring(session, jobs.end));
  return clientOf(jobs, { learned, state });
});
