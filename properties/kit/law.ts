/** Laws that several runtimes owe, as tests: each body is run in a scope, on one runtime's ports, without its log. */
import type { Effect, Layer, Scope } from "effect";
import { test } from "./harness.ts";
import { lawOn, type Run } from "./port-law.ts";

export type { Run } from "./port-law.ts";

export const lawsOn =
  <P>(name: string, layer: () => Layer.Layer<P>, run: Run) =>
  <E>(title: string, body: Effect.Effect<unknown, E, P | Scope.Scope>): void => {
    const law = lawOn(name, layer, run)(title, body);
    test(law.name, law.check);
  };
