/** A relay in the middle: whoever connects there speaks to somebody else. */
import { Effect } from "effect";
import { type ByteStreamShape, Dialer, Listener } from "../../actors/ports/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";

/** Until the scope closes. */
export const relayTo = Effect.fn("federation.relay")(function* (at: Endpoint, to: Endpoint) {
  const { listen } = yield* Listener;
  const { dial } = yield* Dialer;
  return yield* listen(at, (near) =>
    Effect.gen(function* () {
      const far = yield* dial(to);
      yield* Effect.raceFirst(pump(near, far), pump(far, near));
    }).pipe(Effect.scoped, Effect.ignore),
  );
});

const pump = (from: ByteStreamShape, to: ByteStreamShape) => Effect.forever(Effect.flatMap(from.read, to.write));
