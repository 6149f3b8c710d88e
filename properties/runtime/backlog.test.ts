/** A stream nobody reads takes no more than its limit, whatever the platform's TLS does with a paused socket. */
import * as assert from "node:assert/strict";
import { Clock, Effect, Layer, Logger } from "effect";
import { Dialer, Keys, Listener } from "../../actors/ports/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { authorityNamed, certified } from "../kit/certificates.ts";
import { testEffect } from "../kit/harness.ts";

const CHUNK_BYTES = 65_536;
const FOR_MS = 1_500;
/** 4 MiB held, and what one check's time lets through on a loopback: without the check Deno takes 400 MB here. */
const TAKEN_BYTES_MAX = 32_000_000;

testEffect(
  "sockets: who writes to a TLS stream that is not read is held back, or cut off",
  Effect.gen(function* () {
    const keys = yield* Keys;
    const nowMs = yield* Clock.currentTimeMillis;
    const root = yield* authorityNamed("root", undefined, nowMs);
    const key = yield* keys.generate;
    const certificate = yield* certified(key, root, {
      name: "a",
      notBeforeMs: nowMs - 1_000,
      notAfterMs: nowMs + 60_000,
    });
    const credentials = { key, certificates: [certificate], roots: [root.certificate] };
    const { port } = yield* (yield* Listener).listen(
      { host: "127.0.0.1", port: 0, tls: credentials },
      () => Effect.never,
    );
    const stream = yield* (yield* Dialer).dial({ host: "127.0.0.1", port, tls: credentials });
    let taken = 0;
    const writing = Effect.gen(function* () {
      while (true) {
        yield* stream.write(new Uint8Array(CHUNK_BYTES));
        taken += CHUNK_BYTES;
        yield* Effect.sleep(0); // the other end shares our thread
      }
    });
    yield* Effect.timeoutOption(Effect.ignore(writing), FOR_MS);
    assert.ok(taken > 0 && taken < TAKEN_BYTES_MAX, `${taken} bytes`);
    console.log(`taken by a stream that is not read: ${(taken / 1e6).toFixed(1)} MB`);
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([])))) as Effect.Effect<void, unknown>,
);
