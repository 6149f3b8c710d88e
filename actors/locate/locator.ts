/**
 * Finds peers by their URIs: hosts the machine, keeps what the DNS has answered, and remembers who was down. RFC 3263.
 *
 *   locate(uri) --> machine <--> answers <--> Dns          failed(target) --> it comes last, for a while
 *                      +--> targets, the first to be tried first
 */
import { Clock, Deferred, Effect } from "effect";
import { keepNewest } from "../../codecs/shared/mod.ts";
import type { SipUri } from "../../codecs/sip/mod.ts";
import {
  type LocateEvent,
  type LocateInput,
  type LocateOrder,
  type LocateOutcome,
  locate as locateMachine,
  type Nowhere,
  type Target,
  wantedBy,
} from "../../machines/locate/mod.ts";
import { drive, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import { Entropy } from "../ports/mod.ts";
import { openAnswers } from "./answers.ts";

/** Peers that are being looked for at once. */
const LOCATING_MAX = 1_024;
/** Servers that were down. */
const FAILED_MAX = 1_024;
const FAILED_MS = 30_000;
/** For each of the three rounds of questions. */
const ANSWER_MS = 1_500;
const MAILBOX_MAX = 64;
const SEED_MAX = 0xffff_ffff;

export interface LocatorOptions extends Pick<LocateInput, "transports" | "families"> {
  /** Default 1 500. */
  readonly answerMs?: number;
}
export type Located =
  | Extract<LocateOutcome, { readonly type: "targets" }>
  | { readonly type: "nowhere"; readonly why: Nowhere | "busy" };
export type Wanted = Pick<LocateInput, "secure" | "target" | "name" | "port" | "transport">;

export interface Locator {
  /** An address is answered without a question to anybody. */
  readonly locate: (uri: SipUri) => Effect.Effect<Located>;
  /** The same for what is no URI: a host of the configuration. */
  readonly find: (wanted: Wanted, transports?: LocateInput["transports"]) => Effect.Effect<Located>;
  /** It took no connection, or answered 503: for 30 s it comes after the others. RFC 3263 §4.3. */
  readonly failed: (target: Pick<Target, "transport" | "host" | "port">) => void;
}

const keyOf = ({ transport, host, port }: Pick<Target, "transport" | "host" | "port">) =>
  `${transport} ${host} ${port}`;

export const openLocator = Effect.fn("locate.open")(function* (options: LocatorOptions) {
  const { ask } = yield* openAnswers;
  const { between } = yield* Entropy;
  const clock = yield* Clock.Clock;
  const down = new Map<string, number>();
  let under = 0;

  const failed: Locator["failed"] = (target) =>
    keepNewest(down, FAILED_MAX, keyOf(target), clock.currentTimeMillisUnsafe() + FAILED_MS);
  const isDown = (target: Target, nowMs: number): boolean => (down.get(keyOf(target)) ?? 0) > nowMs;
  const ordered = (outcome: LocateOutcome): LocateOutcome => {
    if (outcome.type === "nowhere" || down.size === 0) return outcome;
    const nowMs = clock.currentTimeMillisUnsafe();
    const last = outcome.targets.filter((target) => isDown(target, nowMs));
    return { ...outcome, targets: [...outcome.targets.filter((target) => !last.includes(target)), ...last] };
  };

  const run = Effect.fnUntraced(function* (input: LocateInput) {
    const box = yield* mailbox<LocateEvent>(MAILBOX_MAX);
    const found = yield* Deferred.make<LocateOutcome>();
    const perform = (order: OwnOrder<LocateOrder>): Effect.Effect<void> => {
      switch (order.type) {
        case "ask":
          return box.tellWhen(
            Effect.map(ask(order.question), (answer) => ({ type: "answered", id: order.id, answer }) as const),
          );
        case "report":
          return Effect.asVoid(Deferred.succeed(found, order.outcome));
      }
    };
    yield* drive(
      locateMachine,
      input,
      box,
      performing(box, { unexpected: "locate.unexpected" }, perform),
      input.target,
    );
    return ordered(yield* Deferred.await(found));
  }, Effect.scoped);

  const find: Locator["find"] = (wanted, transports = options.transports) =>
    Effect.suspend(() => {
      if (under >= LOCATING_MAX) return Effect.succeed<Located>({ type: "nowhere", why: "busy" });
      under += 1;
      const { families, answerMs = ANSWER_MS } = options;
      const located = Effect.flatMap(between(0, SEED_MAX), (seed) =>
        run({ ...wanted, transports, families, answerMs, seed }),
      );
      return Effect.ensuring(
        located,
        Effect.sync(() => {
          under -= 1;
        }),
      );
    });
  return { locate: (uri) => find(wantedBy(uri)), find, failed } satisfies Locator as Locator;
});
