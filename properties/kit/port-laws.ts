/**
 * What every runtime owes its actors: the same suite for memory and for real sockets. DECISIONS.md D-198.
 *
 *   portLaws("sockets", () => nodeLayer());
 */
import type { Layer } from "effect";
import type { Keys } from "../../actors/ports/mod.ts";
import { test } from "./harness.ts";
import { keysLawsOf } from "./laws-of-keys.ts";
import { type StreamPorts, streamLawsOf } from "./laws-of-streams.ts";
import { tlsLawsOf } from "./laws-of-tls.ts";
import { type Run, runPlainly } from "./port-law.ts";

export { credentialsUnder } from "./credentials.ts";

export const portLaws = (name: string, layer: () => Layer.Layer<StreamPorts | Keys>, run: Run = runPlainly): void => {
  for (const lawsOf of [streamLawsOf, tlsLawsOf, keysLawsOf])
    for (const { name: title, check } of lawsOf(name, layer, run)) test(title, check);
};
