/**
 * Matches answers with the requests that wait for them. A request has a key; the fiber that asked waits until it is answered.
 *
 *   ask(key, asking) --> registered --> asking --> ... --> answer(key, value) --> the fiber that asked
 *                                                          end(value) ----------> all that wait, and all that ask later
 */
import { Deferred, Effect } from "effect";

interface Request<A, E, About> {
  readonly answer: Deferred.Deferred<A, E>;
  readonly about: About;
}

/** `About`: data that is kept with a request while it waits. */
export class Replies<K, A, E = never, About = undefined> {
  private readonly waiting = new Map<K, Request<A, E, About>>();
  private readonly ended = Deferred.makeUnsafe<A>();
  private refs = 0;

  get size(): number {
    return this.waiting.size;
  }
  /** A number that no request of this table has had. */
  nextRef(): number {
    return ++this.refs;
  }
  about(key: K): About | undefined {
    return this.waiting.get(key)?.about;
  }
  /** Waits for `end`: for an `asking` that could otherwise wait for ever. */
  get over(): Effect.Effect<void> {
    return Effect.asVoid(Deferred.await(this.ended));
  }

  /** Registers the request, runs `asking`, waits for the answer. The request is removed afterwards, however it ends. */
  ask<E2 = never, R = never>(
    key: K,
    asking: Effect.Effect<unknown, E2, R>,
    about?: About,
  ): Effect.Effect<A, E | E2, R> {
    return Effect.suspend(() => {
      const request = this.register(key, about);
      if (request === undefined) return Deferred.await(this.ended);
      return this.forgetting(key, request, Effect.andThen(asking, Deferred.await(request.answer)));
    });
  }

  /** Registers a request at once and gives the effect that waits for its answer. It replaces one that waits under that key. */
  expect(key: K, about?: About): Effect.Effect<A, E> {
    const request = this.register(key, about);
    if (request === undefined) return Deferred.await(this.ended);
    return this.forgetting(key, request, Deferred.await(request.answer));
  }

  /** Does nothing if no request waits under that key. */
  answer(key: K, value: A): Effect.Effect<void> {
    return this.settle(key, (answer) => Deferred.succeed(answer, value));
  }
  fail(key: K, error: E): Effect.Effect<void> {
    return this.settle(key, (answer) => Deferred.fail(answer, error));
  }

  /** Answers all requests that wait, and all that are made from now on, with this value. */
  end(value: A): Effect.Effect<void> {
    return Effect.suspend(() => {
      Deferred.doneUnsafe(this.ended, Effect.succeed(value));
      return Effect.forEach([...this.waiting.keys()], (key) => this.answer(key, value), { discard: true });
    });
  }

  private settle(key: K, by: (answer: Deferred.Deferred<A, E>) => Effect.Effect<unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const request = this.waiting.get(key);
      return request === undefined ? Effect.void : Effect.asVoid(by(request.answer));
    });
  }

  /** Undefined after `end`. */
  private register(key: K, about: About | undefined): Request<A, E, About> | undefined {
    if (Deferred.isDoneUnsafe(this.ended)) return undefined;
    const request = { answer: Deferred.makeUnsafe<A, E>(), about: about as About };
    this.waiting.set(key, request);
    return request;
  }

  private forgetting<B, E2, R>(key: K, request: unknown, effect: Effect.Effect<B, E2, R>): Effect.Effect<B, E2, R> {
    const forget = Effect.sync(() => {
      if (this.waiting.get(key) === request) this.waiting.delete(key);
    });
    return Effect.ensuring(effect, forget);
  }
}
