/** Datagrams without a world: sockets in a map; delay, loss and repetition drawn by seed, on the clock of whoever opens one. */
import { Effect, FiberSet, type Scope } from "effect";
import { type DatagramHandlers, type DatagramSocket, ListenFailed, type Listening } from "../../actors/ports/mod.ts";
import type { Chance } from "./chance.ts";

const FIRST_FREE_PORT = 50_000;

export interface MemoryDatagramOptions {
  /** One-way delay, drawn uniformly: what was sent later may come first. Default none. */
  readonly delayMs?: readonly [min: number, max: number];
  /** Of a hundred datagrams so many are lost. Default none. */
  readonly lostPercent?: number;
  readonly repeatedPercent?: number;
}

export const memoryDatagrams = (chance: Chance, options: MemoryDatagramOptions = {}) => {
  const [delayMin, delayMax] = options.delayMs ?? [0, 0];
  const sockets = new Map<string, DatagramHandlers>();
  let freePort = FIRST_FREE_PORT;
  const happens = (percent: number) => percent > 0 && chance.between(0, 99) < percent;

  const open = (on: Listening, handlers: DatagramHandlers): Effect.Effect<DatagramSocket, ListenFailed, Scope.Scope> =>
    Effect.gen(function* () {
      const port = on.port === 0 ? freePort++ : on.port;
      const where = `${on.host}:${port}`;
      if (sockets.has(where)) return yield* new ListenFailed({ reason: "portTaken", why: `${where} is taken` });
      const run = yield* FiberSet.makeRuntime<never>();
      sockets.set(where, handlers);
      yield* Effect.addFinalizer(() => Effect.sync(() => sockets.delete(where)));
      const deliver = (bytes: Uint8Array, to: string) =>
        run(
          Effect.andThen(
            Effect.sleep(chance.between(delayMin, delayMax)),
            Effect.sync(() => sockets.get(to)?.received(bytes, on.host, port)),
          ),
        );
      const send: DatagramSocket["send"] = (bytes, host, to) => {
        if (sockets.get(where) !== handlers || happens(options.lostPercent ?? 0)) return;
        deliver(bytes.slice(), `${host}:${to}`);
        if (happens(options.repeatedPercent ?? 0)) deliver(bytes.slice(), `${host}:${to}`);
      };
      return { host: on.host, port, send };
    });
  return { open, addressesOf: (host: string) => Effect.succeed([host]) };
};
