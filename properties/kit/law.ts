/** Laws that several runtimes owe: each body is run in a scope, on one runtime's ports, without its log. */
import { Effect, Layer, Logger, type Scope } from "effect";
import { test } from "./harness.ts";

export type Run = <A, E>(effect: Effect.Effect<A, E>) => Promise<A>;

/** `layer` is asked anew for each law, so that no law sees what another left. */
export const lawsOn =
  <P>(name: string, layer: () => Layer.Layer<P>, run: Run) =>
  <E>(title: string, body: Effect.Effect<unknown, E, P | Scope.Scope>): void =>
    test(`${name}: ${title}`, async () => {
      await run(Effect.provide(Effect.scoped(body), Layer.merge(layer(), Logger.layer([]))));
    });
