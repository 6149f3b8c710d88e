/**
 * A byte stream protected by TLS-SRP, made of a byte stream. RFC 5246, RFC 5054.
 *
 *   below.read -----> received --+                        +--> send  --> below.write
 *   read (app) <-- data <--------+-- mailbox <-> machine --+--> power --> Arithmetic --> powered
 *   write (app) ---> sendData ---+                        +--> lookUp -> found       secured | ended
 *
 * Bytes that the application has not read yet are buffered up to a limit; above it we stop reading from below.
 */
import { Deferred, Effect, Fiber, Latch, Queue, type Scope } from "effect";
import type { SrpGroupBits } from "../../codecs/tls/mod.ts";
import type { Machine } from "../../machines/kit/mod.ts";
import {
  HANDSHAKE_TIMEOUT_MS,
  RANDOM_BYTES,
  type SrpCredential,
  type TlsAction,
  type TlsEvent,
  type TlsFacts,
  type TlsOutcome,
  type TlsRandomness,
  type TlsServerAction,
  type TlsServerEvent,
  tlsClient,
  tlsServer,
} from "../../machines/tls/mod.ts";
import { drive, type Mailbox, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import { Arithmetic, type ByteStreamShape, Entropy, StreamClosed } from "../ports/mod.ts";
import type { Ephemerals } from "./ephemerals.ts";
import { type HandshakeFailed, handshakeFailed, whyOf } from "./errors.ts";

/** A protected stream, and what the handshake negotiated. */
export interface TlsStream extends ByteStreamShape {
  readonly facts: TlsFacts;
}

interface TlsOptions {
  /** Talks to stacks that lack extended_master_secret or encrypt_then_mac. Default false. */
  readonly legacy?: boolean;
  /** Default `HANDSHAKE_TIMEOUT_MS`, 20 s. */
  readonly handshakeTimeoutMs?: number;
}
/** Name and password are used as they are: printable ASCII, which SASLprep does not change, or prepared by the caller. */
export interface TlsSrpClientOptions extends TlsOptions {
  readonly userName: string;
  readonly password: string;
  /** Smaller groups are refused. Default 2048. */
  readonly groupBitsMin?: SrpGroupBits;
  /** Larger groups are refused. Default 4096. */
  readonly groupBitsMax?: SrpGroupBits;
}
export interface TlsSrpServerOptions extends TlsOptions {
  /** Undefined: no such user. The handshake then goes on and fails as with a wrong password. */
  readonly lookUp: (userName: string) => Effect.Effect<SrpCredential | undefined>;
  /** Least time of a look-up, in ms, so that its result does not show by its time. Default 0. */
  readonly answerAfterMs?: number;
  /** 32 random bytes, drawn once per server. */
  readonly seedKey: Uint8Array;
  /** What `lookUp` gives: unknown users must take as long. Default "password". */
  readonly storedAs?: SrpCredential["type"];
  /** Default that of `ephemerals`, else 2048. */
  readonly group?: SrpGroupBits;
  /** Pairs of b and g^b computed ahead, which several servers may share; not used if their group is another. */
  readonly ephemerals?: Ephemerals;
  /** Refuses unknown users with unknown_psk_identity; only together with `legacy`. Default false. */
  readonly refusesUnknown?: boolean;
}

const MAILBOX_EVENTS_MAX = 16;
/** Decrypted, and not read by the application yet: above this we stop reading from below. */
const UNREAD_BYTES_MAX = 65_536;
const CLOSE_TIMEOUT_MS = 1_000;

/** The user's side. Succeeds when both Finished messages were right; the stream closes with the scope. */
export const tlsSrpClient = Effect.fnUntraced(function* (stream: ByteStreamShape, options: TlsSrpClientOptions) {
  const { userName, password, groupBitsMin = 2048, groupBitsMax = 4096, legacy = false } = options;
  const { handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  const randomness = yield* drawRandomness();
  const input = { userName, password, groupBitsMin, groupBitsMax, legacy, handshakeTimeoutMs, randomness };
  return yield* secure<typeof input, never, never>(tlsClient, input, stream, (never) => never);
});

/** The side that knows passwords or verifiers. Succeeds when both Finished messages were right. */
export const tlsSrpServer = Effect.fnUntraced(function* (stream: ByteStreamShape, options: TlsSrpServerOptions) {
  const {
    seedKey,
    storedAs = "password",
    ephemerals,
    legacy = false,
    refusesUnknown = false,
    answerAfterMs = 0,
  } = options;
  const { group = ephemerals?.group ?? 2048, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  const ahead = ephemerals?.group === group ? yield* ephemerals.take : undefined;
  const randomness = yield* drawRandomness(ahead?.secret);
  const { generatorPower } = ahead ?? {};
  const input = { seedKey, storedAs, group, legacy, refusesUnknown, handshakeTimeoutMs, randomness, generatorPower };
  const found = ({ userName }: Question): Effect.Effect<Answer> =>
    Effect.map(notBefore(answerAfterMs, options.lookUp(userName)), (credential) => ({ type: "found", credential }));
  return yield* secure<typeof input, Answer, Question>(tlsServer, input, stream, found);
});

type Answer = Exclude<TlsServerEvent, TlsEvent>;
type Question = Exclude<TlsServerAction, TlsAction>;

/** Waits for both: the time runs beside `what`, not after it. */
const notBefore = <A>(ms: number, what: Effect.Effect<A>): Effect.Effect<A> =>
  ms === 0
    ? what
    : Effect.gen(function* () {
        const clock = yield* Effect.forkChild(Effect.sleep(ms), { startImmediately: true });
        const found = yield* what;
        yield* Fiber.join(clock);
        return found;
      });

/** A secret that was drawn ahead is not drawn again. */
const drawRandomness = (secret?: Uint8Array): Effect.Effect<TlsRandomness, never, Entropy> =>
  Effect.gen(function* () {
    const entropy = yield* Entropy;
    const draw = entropy.bytes(RANDOM_BYTES);
    return { random: yield* draw, secret: secret ?? (yield* draw), ivKey: yield* draw };
  });

/** One machine over one stream, and what waits for it. */
interface Session<Ev> {
  /** Zeroed here when it is no longer needed; a machine must not do that, since its steps can be replayed. */
  readonly randomness: TlsRandomness;
  readonly below: ByteStreamShape;
  readonly box: Mailbox<TlsEvent | Ev>;
  readonly handshake: Deferred.Deferred<TlsFacts, HandshakeFailed>;
  readonly ended: Deferred.Deferred<never, StreamClosed>;
  readonly unread: Effect.Success<typeof unreadBytes>;
}

const secure = Effect.fnUntraced(function* <
  I extends { readonly randomness: TlsRandomness },
  Ev,
  A extends { readonly type: string },
>(
  machine: Machine<I, TlsEvent | Ev, TlsAction | A>,
  input: I,
  below: ByteStreamShape,
  answerTo: (question: A) => Effect.Effect<Ev>,
): Effect.fn.Return<TlsStream, HandshakeFailed, Arithmetic | Scope.Scope> {
  const session: Session<Ev> = {
    randomness: input.randomness,
    below,
    box: yield* mailbox<TlsEvent | Ev>(MAILBOX_EVENTS_MAX),
    handshake: yield* Deferred.make<TlsFacts, HandshakeFailed>(),
    ended: yield* Deferred.make<never, StreamClosed>(),
    unread: yield* unreadBytes,
  };
  const { box, unread } = session;
  const arithmetic = yield* Arithmetic;
  const perform = (action: OwnOrder<TlsAction> | A): Effect.Effect<unknown> => {
    const order = action as OwnOrder<TlsAction>;
    if (order.type === "power") {
      const value = arithmetic.power(order.base, order.exponent, order.group);
      return box.tellWhen(Effect.map(value, (value) => ({ type: "powered", id: order.id, value })));
    }
    return performIn(session, order) ?? box.tellWhen(answerTo(action as A));
  };
  const driven = drive(machine, input, box, performing(box, { unexpected: "tls.unexpected" }, perform));
  const supervised = Effect.onError(driven, () => end(session, { type: "lost", why: "an error of our own" }));
  yield* Effect.forkScoped(supervised, { startImmediately: true });
  const listen = Effect.forever(
    Effect.flatMap(Effect.andThen(unread.hasRoom, below.read), (bytes) => box.tell({ type: "received", bytes })),
  );
  const heard = Effect.catchTag(listen, "StreamClosed", ({ why }) => box.tell({ type: "lost", why }));
  yield* Effect.forkScoped(heard, { startImmediately: true });
  const stream = streamOver(session);
  yield* Effect.addFinalizer(() => stream.close);
  return { ...stream, facts: yield* Deferred.await(session.handshake) };
});

/** What needs nothing but the session; undefined for the rest. */
const performIn = <Ev>(session: Session<Ev>, order: OwnOrder<TlsAction>): Effect.Effect<unknown> | undefined => {
  const { below, randomness, handshake, unread } = session;
  switch (order.type) {
    case "send":
      return Effect.ignore(below.write(order.bytes)); // the reader reports a broken stream
    case "secured": {
      const { type, ...facts } = order;
      randomness.secret.fill(0);
      return Deferred.succeed(handshake, facts);
    }
    case "data":
      return unread.add(order.bytes);
    case "ended":
      return end(session, order.outcome);
  }
};

const end = <Ev>(
  { randomness, handshake, ended, unread }: Session<Ev>,
  outcome: TlsOutcome,
): Effect.Effect<unknown> => {
  for (const bytes of [randomness.secret, randomness.ivKey]) bytes.fill(0);
  const why = whyOf(outcome);
  const closed =
    outcome.type === "closed"
      ? closedInOrder
      : new StreamClosed({ reason: outcome.type === "lost" ? "broken" : "malformed", why });
  return Effect.gen(function* () {
    if (!(yield* Deferred.isDone(handshake))) yield* Deferred.fail(handshake, handshakeFailed(outcome));
    yield* Deferred.fail(ended, closed);
    yield* unread.end(closed);
  });
};

/** One object for all: a stack trace for each would cost more than the rest of a close. */
const closedInOrder = new StreamClosed({ reason: "ended", why: "closed" });

/** The application's stream. After the end, writes fail as reads do. */
const streamOver = <Ev>({ below, box, ended, unread }: Session<Ev>): ByteStreamShape => {
  const isEnded = Deferred.await(ended);
  const closing = Effect.andThen(box.tell({ type: "close" }), isEnded);
  return {
    peer: below.peer,
    read: unread.read,
    write: (bytes) =>
      Effect.suspend(() => {
        const event = { type: "sendData", bytes } as const;
        const isTaken = !Deferred.isDoneUnsafe(ended) && box.tellNow(event); // else wait for room, or for the end
        return isTaken ? Effect.void : Effect.asVoid(Effect.raceFirst(isEnded, box.tell(event)));
      }),
    close: Effect.gen(function* () {
      if (!(yield* Deferred.isDone(ended))) yield* Effect.ignore(Effect.timeout(closing, CLOSE_TIMEOUT_MS));
      yield* below.close;
    }),
  };
};

/** Bytes on their way to the application; `hasRoom` waits while there are too many. */
const unreadBytes = Effect.gen(function* () {
  const queue = yield* Queue.unbounded<Uint8Array, StreamClosed>();
  const room = yield* Latch.make(true);
  let size = 0;
  const count = (bytes: number) =>
    Effect.suspend(() => {
      size += bytes;
      return size < UNREAD_BYTES_MAX ? Latch.open(room) : Latch.close(room);
    });
  return {
    hasRoom: room.await,
    add: (bytes: Uint8Array) => Effect.andThen(count(bytes.length), Queue.offer(queue, bytes)),
    read: Effect.tap(Queue.take(queue), (bytes) => count(-bytes.length)),
    end: (closed: StreamClosed) => Queue.fail(queue, closed),
  };
});
