/**
 * The current connection of a call agent to its server: opened, read, written, closed, opened again.
 *
 *   connect -> Dialer -> connected; responses -> the requests that wait; requests -> asked; the end -> lost
 */
import { Effect, FiberHandle, FiberSet } from "effect";
import { hasIntegrity, protect, type VapContent, vapKey } from "../../codecs/vap/mod.ts";
import type { VapClientEvent } from "../../machines/vap/mod.ts";
import { Dialer, type DialTarget, Entropy } from "../ports/mod.ts";
import { readMessages, type VapRequests, vapRequests } from "./exchange.ts";

export interface VapLinkOptions {
  readonly target: DialTarget;
  readonly username: string;
  readonly password: string;
  readonly timeoutMs: number;
}
export interface VapLink {
  readonly connect: Effect.Effect<void>;
  readonly disconnect: Effect.Effect<void>;
  readonly ask: (ask: number, request: VapContent) => Effect.Effect<void>;
  readonly answer: (content: VapContent, transactionId: Uint8Array) => Effect.Effect<void>;
}
interface Open {
  readonly requests: VapRequests;
  readonly send: (content: VapContent, transactionId: Uint8Array) => Effect.Effect<void>;
}

export const vapLink = Effect.fnUntraced(function* (
  { target, username, password, timeoutMs }: VapLinkOptions,
  tell: (event: VapClientEvent) => Effect.Effect<void>,
) {
  const { dial } = yield* Dialer;
  const entropy = yield* Entropy;
  const key = vapKey(username, password);
  const connection = yield* FiberHandle.make<void>();
  const asks = yield* FiberSet.make<void>();
  let open: Open | undefined;

  const serve = Effect.gen(function* () {
    const stream = yield* dial(target);
    // A failed write is not reported: the read after it fails too, and that is.
    const send = (content: VapContent, transactionId: Uint8Array) =>
      Effect.ignore(stream.write(protect(content, transactionId, { username, key })));
    const requests = yield* Effect.provideService(vapRequests(send, timeoutMs), Entropy, entropy);
    open = { requests, send };
    yield* tell({ type: "connected" });
    return yield* readMessages(stream, (message, bytes) => {
      const genuine = hasIntegrity(message, bytes, key);
      return message.type.class === "request"
        ? tell({ type: "asked", request: message, genuine })
        : requests.answer(message, genuine);
    });
  }).pipe(Effect.scoped);

  const leave = (why: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const was = open;
      open = undefined;
      return was?.requests.lose(why) ?? Effect.void;
    });
  const live: Effect.Effect<void> = Effect.catch(serve, ({ why }) =>
    Effect.andThen(leave(why), tell({ type: "lost", why })),
  );
  const link: VapLink = {
    connect: Effect.asVoid(FiberHandle.run(connection, live)),
    disconnect: Effect.andThen(FiberHandle.clear(connection), leave("given up")),
    ask: (ask, request) =>
      Effect.suspend(() => {
        if (open === undefined) return Effect.void; // the event "lost" is in the mailbox already
        const outcome = open.requests.request(request);
        return Effect.asVoid(
          FiberSet.run(
            asks,
            Effect.flatMap(outcome, (outcome) => tell({ type: "answered", ask, outcome })),
          ),
        );
      }),
    answer: (content, transactionId) => open?.send(content, transactionId) ?? Effect.void,
  };
  return link;
});
