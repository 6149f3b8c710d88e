/**
 * Hosts one attempt to validate one claim.
 *
 *   resolve ----> the overlay ------------------------------> resolved | unresolved --+
 *   dial -------> Dialer, tlsSrpClient, readDocument -------> connected, secured,     +--> mailbox --> step
 *      its first power ----------------> committed            wrongPassword, answered,|
 *   ask --------> writeDocument                               lost -------------------+
 *   commit -----> gate.committed           gate.opened -----> opened | shut ----------+
 *   proceed ----> lets the powers go on
 *
 * TLS asks for no power before it has read the ServerKeyExchange, and answers that only when it has its powers. So the gate
 * is an arithmetic port that waits, in front of the real one.
 */
import { Deferred, Effect, FiberHandle, Latch, type Scope } from "effect";
import type { NodeId } from "../../codecs/shared/mod.ts";
import { readAnswer, type ValRequest, writeRequest } from "../../codecs/validation/mod.ts";
import {
  type ClaimVerdict,
  type PvpAttemptAction,
  type PvpAttemptEvent,
  type PvpAttemptInput,
  pvpAttempt,
} from "../../machines/validation/mod.ts";
import { drive, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import { Arithmetic, Dialer, type Entropy } from "../ports/mod.ts";
import { type HandshakeFailed, tlsSrpClient } from "../tls/mod.ts";
import { readDocument, writeDocument } from "./frames.ts";

/** Where a node listens for validations, as AppAttach reports it. */
export interface PvpAddress {
  readonly host: string;
  readonly port: number;
}
export type Resolve = (nodeId: NodeId) => Effect.Effect<PvpAddress, unknown>;

/** Where the attempts at one call wait for each other. */
export interface Gate {
  /** Run once, when this attempt has reached the gate. */
  readonly committed: Effect.Effect<void>;
  /** Waits until the gate is opened, or is shut for this attempt. */
  readonly opened: Effect.Effect<"opened" | "shut">;
}

export const attemptClaim = Effect.fn("pvp.attempt")(function* (
  input: PvpAttemptInput,
  resolve: Resolve,
  gate: Gate,
): Effect.fn.Return<ClaimVerdict, never, Arithmetic | Dialer | Entropy | Scope.Scope> {
  const box = yield* mailbox<PvpAttemptEvent>(16);
  const verdict = yield* Deferred.make<ClaimVerdict>();
  const runResolve = yield* FiberHandle.makeRuntime<never>();
  const connection = yield* FiberHandle.make();
  const request = yield* Deferred.make<ValRequest>();
  const services = yield* Effect.context<Arithmetic | Dialer | Entropy>();
  const { limited, release } = yield* limitedArithmetic(box.tell({ type: "committed" }));

  const dial = (order: Extract<PvpAttemptAction, { readonly type: "dial" }>) =>
    Effect.gen(function* () {
      const { host, port, userName, password } = order;
      const below = yield* (yield* Dialer).dial({ host, port });
      yield* box.tell({ type: "connected" });
      const stream = yield* tlsSrpClient(below, { userName, password }).pipe(
        Effect.provideService(Arithmetic, limited),
      );
      yield* box.tell({ type: "secured" });
      yield* writeDocument(stream, writeRequest(yield* Deferred.await(request)));
      const answer = readAnswer(yield* readDocument(stream));
      if (answer.ok) yield* box.tell({ type: "answered", answer: answer.value });
      else yield* box.tell({ type: "lost", why: `${answer.error.at}: ${answer.error.why}` });
      yield* Effect.never; // the stream stays open until the machine hangs up
    }).pipe(
      Effect.catch((error) => box.tell(failureOf(error))),
      Effect.scoped,
      Effect.provide(services),
    );

  const perform = (action: OwnOrder<PvpAttemptAction>): Effect.Effect<unknown> => {
    switch (action.type) {
      case "resolve": {
        const resolved = Effect.match(resolve(action.nodeId), {
          onSuccess: (address): PvpAttemptEvent => ({ type: "resolved", host: address.host, port: address.port }),
          onFailure: (error): PvpAttemptEvent => ({ type: "unresolved", why: whyOf(error) }),
        });
        return Effect.sync(() => runResolve(Effect.flatMap(resolved, box.tell)));
      }
      case "dial":
        return FiberHandle.run(connection, dial(action));
      case "commit":
        return gate.committed;
      case "proceed":
        return release;
      case "ask":
        return Deferred.succeed(request, action.request);
      case "hangUp":
        return FiberHandle.clear(connection);
      case "report":
        return Deferred.succeed(verdict, action.verdict);
    }
  };

  yield* Effect.forkScoped(Effect.flatMap(gate.opened, (type) => box.tell({ type })));
  yield* drive(pvpAttempt, input, box, performing(box, { unexpected: "pvp.unexpected" }, perform));
  return yield* Deferred.await(verdict);
});

/** Arithmetic that waits for its release. `asked` runs once, when the first power is asked for. */
const limitedArithmetic = Effect.fnUntraced(function* (asked: Effect.Effect<void>) {
  const { power } = yield* Arithmetic;
  const released = yield* Latch.make(false);
  let isAsked = false;
  const wait = Effect.suspend(() => {
    const first = isAsked ? Effect.void : asked;
    isAsked = true;
    return Effect.andThen(first, released.await);
  });
  const limited: Arithmetic["Service"] = { power: (...of) => Effect.andThen(wait, power(...of)) };
  return { limited, release: Latch.open(released) };
});

type Failure = HandshakeFailed | { readonly _tag: "DialFailed" | "StreamClosed"; readonly why: string };

const failureOf = (error: Failure): PvpAttemptEvent =>
  error._tag === "HandshakeFailed" && error.reason === "wrongPassword"
    ? { type: "wrongPassword" }
    : { type: "lost", why: error.why };

/** One line about an error that is not ours. */
export const whyOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "why" in error ? String(error.why) : String(error);
