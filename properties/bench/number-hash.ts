/**
 * What the two number hashes cost an honest server for each number it publishes or looks up, beside the same hash of
 * OpenSSL or BoringSSL by `node:crypto`. docs/protocol/overlay.md#the-vipr-usage; what the
 * figures mean for somebody who tries all numbers: docs/security.md.
 */
import { createHash, scryptSync } from "node:crypto";
import { Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { resourceOfNumber, stretchedNumber, stretching } from "../../codecs/reload/mod.ts";
import { e164, utf8 } from "../../codecs/shared/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { type Contest, rateOf, rateOfAsync } from "./kit.ts";

const OVERLAY = "vipr.example";
/** So that a round holds some of them. */
const SCRYPT_MS = 400;
/** Twice what N and r need, which is where `node:crypto` draws its limit by default. */
const SCRYPT_MEMORY_MAX = 256 * stretching.N * stretching.r;

let made = 0;
const nextNumber = () => e164(`+1408${String(made++ % 10_000_000).padStart(7, "0")}`);
const byPort = () =>
  Effect.runPromise(
    Effect.provide(
      Effect.flatMap(Keys, (keys) => keys.stretch(utf8(nextNumber()), utf8(OVERLAY), stretching)),
      nodeLayer(),
    ),
  );
const { N, r, p, size } = stretching;
const byCrypto = () => scryptSync(nextNumber(), OVERLAY, size, { N, r, p, maxmem: SCRYPT_MEMORY_MAX });

export const contests: ReadonlyArray<Contest> = [
  {
    name: "number-hash: SHA-1 of a number",
    unit: "1/s",
    peerName: "node:crypto createHash",
    ours: () => rateOf(() => resourceOfNumber(nextNumber())),
    peer: () => rateOf(() => createHash("sha1").update(nextNumber()).digest()),
  },
  {
    name: "number-hash: scrypt of a number",
    unit: "1/s",
    peerName: "node:crypto scryptSync",
    rounds: 5,
    ours: () => rateOfAsync(byPort, SCRYPT_MS),
    peer: () => rateOf(byCrypto, SCRYPT_MS),
  },
  {
    name: "number-hash: scrypt without native code",
    unit: "1/s",
    peerName: "node:crypto scryptSync",
    rounds: 3,
    ours: () => rateOf(() => stretchedNumber(nextNumber(), OVERLAY), SCRYPT_MS),
    peer: () => rateOf(byCrypto, SCRYPT_MS),
  },
];
