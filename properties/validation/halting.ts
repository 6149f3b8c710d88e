/** An originator that sends a user name, receives the ServerKeyExchange, and then sends nothing more. */
import { Deferred, Effect } from "effect";
import { Dialer, type DialTarget } from "../../actors/ports/mod.ts";
import { tlsSrpClient } from "../../actors/tls/mod.ts";

/** Ends when it has been answered; it holds its stream open until the scope closes. */
export const haltAfterName = Effect.fnUntraced(function* (at: DialTarget, userName: string) {
  const { dial } = yield* Dialer;
  const answered = yield* Deferred.make<void>();
  const below = yield* dial(at);
  let said = 0;
  const halting = {
    ...below,
    write: (bytes: Uint8Array) => Effect.suspend(() => (said++ === 0 ? below.write(bytes) : Effect.void)),
    read: Effect.tap(below.read, () => Deferred.succeed(answered, undefined)),
  };
  yield* Effect.forkScoped(Effect.ignore(tlsSrpClient(halting, { userName, password: "x" })));
  yield* Deferred.await(answered);
});
