/** An HTTP server of node:http at its port, until the scope closes; for what this machine alone asks. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Deferred, Effect } from "effect";
import type { ListenFailed } from "../actors/ports/mod.ts";
import type { Endpoint } from "../codecs/reload/mod.ts";
import { listenFailed } from "./system-errors.ts";

/** Port 0 takes a free one. Connections beyond `connectionsMax` are closed at once, what is no HTTP too. */
export const listenHttp = Effect.fn("http.listen")(function* (server: Server, on: Endpoint, connectionsMax: number) {
  server.maxConnections = connectionsMax;
  server.on("clientError", (_, socket) => socket.destroy());
  const bound = yield* Deferred.make<number, ListenFailed>();
  server.once("error", (error) => Effect.runSync(Deferred.fail(bound, listenFailed(on.host, on.port, error))));
  server.listen(on.port, on.host, () =>
    Effect.runSync(Deferred.succeed(bound, (server.address() as AddressInfo).port)),
  );
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      server.close();
      server.closeAllConnections();
    }),
  );
  return { host: on.host, port: yield* Deferred.await(bound) } satisfies Endpoint as Endpoint;
});
