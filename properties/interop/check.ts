/** A check of a room: an Effect on this runtime's ports, without a log, whose scope ends with it. */
import { Effect, Layer, Logger, type Scope } from "effect";
import { nodeLayer, type Ports } from "../../runtime/node.ts";
import type { InteropCheck } from "./run.ts";

export type World = Effect.Effect<unknown, unknown, Ports | Scope.Scope>;

export const checkOf =
  (room: string) =>
  (name: string, needs: ReadonlyArray<string>, body: World): InteropCheck => ({
    name: `${room}: ${name}`,
    needs,
    run: () =>
      Effect.runPromise(
        Effect.asVoid(
          Effect.provide(Effect.scoped(body), Layer.merge(nodeLayer(), Logger.layer([]))),
        ) as Effect.Effect<void>,
      ),
  });
