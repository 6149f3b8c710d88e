/**
 * Hosts one attempt at one claim.
 *
 *   resolve ----> the overlay ------------------------------> resolved | unresolved --+
 *   dial -------> Dialer, tlsSrpClient, readDocument -------> connected, secured,     +--> mailbox --> step
 *      its first power ----------------> committed            wrongPassword, answered,|
 *   ask --------> writeDocument                               lost -------------------+
 *   commit -----> gate.committed           gate.opened -----> opened | shut ----------+
 *   proceed ----> lets the powers go on
 *
 * TLS asks for no power before it has read the ServerKeyExchange, and answers that only when it has its powers. So the gate
 * is a port in front of the port: arithmetic that waits.
 */
import { Deferred, Effect, FiberHandle, Latch, type Scope } from "effect";
import { readAnswer, writeRequest } from "../../codecs/validation/mod.ts";
import {
  type ClaimVerdict,
  type PvpAttemptAction,
  type PvpAttemptEvent,
  type PvpAttemptInput,
  pvpAttempt,
} from "../../machines/validation/mod.ts";
import { drive, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import { Arithmetic, type ByteStreamShape, Dialer, type Entropy } from "../ports/mod.ts";
import { type HandshakeFailed, tlsSrpClient } from "../tls/mod.ts";
import { readDocument, writeDocument } from "./frames.ts";

/** Where a node takes validations: what AppAttach gives. */
export interface PvpAddress {
  readonly host: string;
  readonly port: number;
}
export type Resolve = (nodeId: bigint) => Effect.Effect<PvpAddress, unknown>;

/** Where attempts at one call wait for one another. */
export interface Gate {
  /** Told once: this attempt is there. */
  readonly committed: Effect.Effect<void>;
  /** Until it is open, or shut without us. */
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
  const line = yield* FiberHandle.make();
  const services = yield* Effect.context<Arithmetic | Dialer | Entropy>();
  let open: ByteStreamShape | undefined;
  const { held, release } = yield* heldArithmetic(box.tell({ type: "committed" }));

  const dial = (order: Extract<PvpAttemptAction, { readonly type: "dial" }>) =>
    Effect.gen(function* () {
      const { host, port, userName, password } = order;
      const below = yield* (yield* Dialer).dial({ host, port });
      yield* box.tell({ type: "connected" });
      open = yield* tlsSrpClient(below, { userName, password }).pipe(Effect.provideService(Arithmetic, held));
      yield* box.tell({ type: "secured" });
      const answer = readAnswer(yield* readDocument(open));
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
        return FiberHandle.run(line, dial(action));
      case "commit":
        return gate.committed;
      case "proceed":
        return release;
      case "ask":
        return Effect.ignore(writeDocument(open!, writeRequest(action.request))); // the reader reports a broken stream
      case "hangUp":
        return FiberHandle.clear(line);
      case "report":
        return Deferred.succeed(verdict, action.verdict);
    }
  };

  yield* Effect.forkScoped(Effect.flatMap(gate.opened, (type) => box.tell({ type })));
  yield* drive(pvpAttempt, input, box, performing(box, { unexpected: "pvp.unexpected" }, perform));
  return yield* Deferred.await(verdict);
});

/** Powers that wait to be released; the first that is asked for is told. */
const heldArithmetic = Effect.fnUntraced(function* (asked: Effect.Effect<void>) {
  const { power } = yield* Arithmetic;
  const released = yield* Latch.make(false);
  let isTold = false;
  const wait = Effect.suspend(() => {
    const first = isTold ? Effect.void : asked;
    isTold = true;
    return Effect.andThen(first, released.await);
  });
  const held: Arithmetic["Service"] = { power: (...of) => Effect.andThen(wait, power(...of)) };
  return { held, release: Latch.open(released) };
});

type Failure = HandshakeFailed | { readonly _tag: "DialFailed" | "StreamClosed"; readonly why: string };

const failureOf = (error: Failure): PvpAttemptEvent =>
  error._tag === "HandshakeFailed" && error.isWrongPassword
    ? { type: "wrongPassword" }
    : { type: "lost", why: error.why };

/** One line about an error that is not ours. */
export const whyOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "why" in error ? String(error.why) : String(error);
