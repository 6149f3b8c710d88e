/** A law of ports as a value: its body is run in a scope, on the ports of one layer, without a log. */
import { Effect, Layer, Logger, type Scope } from "effect";
import type { Law } from "./laws.ts";

/** Runs a law's body to its end; on virtual time `runVirtual` does. */
export type Run = <A, E>(effect: Effect.Effect<A, E>) => Promise<A>;
export const runPlainly: Run = (effect) => Effect.runPromise(effect);

/** `layer` is asked anew for each law, so that no law sees what another left. */
export const lawOn =
  <P>(name: string, layer: () => Layer.Layer<P>, run: Run) =>
  <E>(title: string, body: Effect.Effect<unknown, E, P | Scope.Scope>): Law => ({
    name: `${name}: ${title}`,
    check: async () => {
      await run(Effect.provide(Effect.scoped(body), Layer.merge(layer(), Logger.layer([]))));
    },
  });
