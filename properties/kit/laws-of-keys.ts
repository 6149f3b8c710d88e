/** What a Keys port owes, as a list of laws: which signatures and which chains hold. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, type Layer } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { credentialsUnder } from "./credentials.ts";
import type { Law } from "./laws.ts";
import { lawOn, type Run, runPlainly } from "./port-law.ts";

/** What a Keys port owes: which signatures and which chains hold. `layer` gives a new one for each law. */
export const keysLawsOf = (name: string, layer: () => Layer.Layer<Keys>, run: Run = runPlainly): ReadonlyArray<Law> => {
  const law = lawOn(name, layer, run);
  return [
    law(
      "keys: what is signed verifies; a flipped bit, another certificate or rubbish does not",
      Effect.gen(function* () {
        const keys = yield* Keys;
        const authority = yield* makeAuthority({ name: "laws", nowMs: yield* Clock.currentTimeMillis });
        const [a, b] = [
          yield* credentialsUnder("a.example", authority),
          yield* credentialsUnder("b.example", authority),
        ];
        const text = new TextEncoder().encode("who called whom");
        const signature = yield* keys.sign(a.key, text);
        ok(yield* keys.verify(a.certificates[0]!, text, signature));
        ok(!(yield* keys.verify(b.certificates[0]!, text, signature)));
        ok(!(yield* keys.verify(a.certificates[0]!, text.with(0, 0), signature)));
        ok(!(yield* keys.verify(Uint8Array.of(1, 2), text, signature)));
        ok(!(yield* keys.verify(a.certificates[0]!, text, Uint8Array.of(1))));
      }),
    ),
    law(
      "keys: a chain counts only under its own root and in its own time",
      Effect.gen(function* () {
        const keys = yield* Keys;
        const nowMs = yield* Clock.currentTimeMillis;
        const authority = yield* makeAuthority({ name: "laws", nowMs });
        const other = yield* makeAuthority({ name: "laws", nowMs }); // the same name, another key
        const { certificates } = yield* credentialsUnder("a.example", authority);
        same((yield* keys.verifyChain(certificates, [authority.root], nowMs)).dnsNames, ["a.example"]);
        for (const [chain, roots, atMs] of [
          [certificates, [other.root], nowMs],
          [certificates, [authority.root], nowMs + 7_200_000],
          [[], [authority.root], nowMs],
          [[Uint8Array.of(0x30, 0)], [authority.root], nowMs],
        ] as const)
          same((yield* Effect.flip(keys.verifyChain(chain, roots, atMs)))._tag, "CertificateError");
      }),
    ),
  ];
};
