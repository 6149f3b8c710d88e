/**
 * The current connection of a call agent to its server: opened, read, written, closed, opened again.
 *
 *   connect -> Dialer -> connected; responses -> the requests that wait; requests -> asked; the end -> lost
 */
import { Effect, FiberHandle, FiberSet } from "effect";
import { concat } from "../../codecs/shared/mod.ts";
import { hasIntegrity, macsOf, protect, type VapContent, vapKey } from "../../codecs/vap/mod.ts";
import type { VapClientEvent, VapOutcome } from "../../machines/vap/mod.ts";
import { Dialer, type DialTarget, Entropy, Macs } from "../ports/mod.ts";
import { openVapCapture } from "./capture.ts";
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
  readonly send: (content: VapContent, transactionId: Uint8Array) => void;
}

export const vapLink = Effect.fnUntraced(function* (
  { target, username, password, timeoutMs }: VapLinkOptions,
  tell: (event: VapClientEvent) => Effect.Effect<void>,
) {
  const { dial } = yield* Dialer;
  const entropy = yield* Entropy;
  const key = vapKey(username, password);
  const connection = yield* FiberHandle.make<void>();
  const run = yield* FiberSet.makeRuntime<never>();
  const macOf = macsOf(yield* Macs);
  const capture = yield* openVapCapture;
  let open: Open | undefined;

  const serve = Effect.gen(function* () {
    const stream = yield* dial(target);
    const unsent: Array<Uint8Array> = [];
    const write = Effect.suspend(() => Effect.ignore(stream.write(concat(...unsent.splice(0)))));
    // A failed write is not reported: the read after it fails too, and that is. What a turn sends leaves in one write.
    const send = (content: VapContent, transactionId: Uint8Array): void => {
      const bytes = protect(content, transactionId, { username, key }, macOf);
      capture.sent(bytes, stream.peer);
      if (unsent.push(bytes) === 1) void NOW.then(() => run(write));
    };
    const report = (ask: number, outcome: VapOutcome) => tell({ type: "answered", ask, outcome });
    const requests = yield* Effect.provideService(vapRequests(send, timeoutMs, report), Entropy, entropy);
    open = { requests, send };
    yield* tell({ type: "connected" });
    return yield* readMessages(stream, (message, bytes) => {
      capture.received(bytes, stream.peer);
      const genuine = hasIntegrity(message, bytes, key, macOf);
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
        return open.requests.request(ask, request);
      }),
    answer: (content, transactionId) => Effect.sync(() => open?.send(content, transactionId)),
  };
  return link;
});

const NOW = Promise.resolve();
