/** Signatures that were made in the process are not reckoned again; of everything else the verdict is the platform's. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Layer } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { rememberingKeys } from "../../runtime/federation/keys.ts";
import { keysLayer } from "../../runtime/keys.ts";
import { authorityNamed, certified } from "../kit/certificates.ts";

import { testEffect } from "../kit/harness.ts";

const text = new TextEncoder().encode("who called whom");

testEffect(
  "federation: a signature made here is known as right for its key, bytes and algorithm alone, and nothing else is believed",
  Effect.gen(function* () {
    const platform = yield* Keys;
    let reckoned = 0;
    const keys = rememberingKeys({
      ...platform,
      verify: (...question) => {
        reckoned++;
        return platform.verify(...question);
      },
    });
    const nowMs = yield* Clock.currentTimeMillis;
    const root = yield* authorityNamed("root", undefined, nowMs);
    const lasting = { name: "leaf", notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 60_000 };
    const [own, other] = [yield* keys.generate, yield* keys.generate];
    const [certificate, theirs] = [yield* certified(own, root, lasting), yield* certified(other, root, lasting)];
    const signature = yield* keys.sign(own, text);

    ok(yield* keys.verify(certificate, text, signature));
    ok(yield* keys.verify(certificate.slice(), text.slice(), signature.slice(), "ecdsa"));
    same(reckoned, 0);

    ok(!(yield* keys.verify(theirs, text, signature)));
    ok(!(yield* keys.verify(certificate, text.with(3, 0), signature)));
    ok(!(yield* keys.verify(certificate, text, signature, "rsa")));
    ok(!(yield* keys.verify(certificate, text, signature.with(signature.length - 1, signature.at(-1)! ^ 1))));
    ok(!(yield* keys.verify(Uint8Array.of(0x30, 0), text, signature)));
    const elsewhere = text.with(3, 0); // of the same text, Deno makes the same signature again
    ok(yield* keys.verify(certificate, elsewhere, yield* platform.sign(own, elsewhere)));
    same(reckoned, 6);
  }).pipe(Effect.provide(Layer.fresh(keysLayer))),
);
