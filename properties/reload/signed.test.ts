/** Signatures over documents: which signers are accepted, and that no byte under one can change. RFC 6940 §11.1. */

import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Layer, Logger } from "effect";
import fc from "fast-check";
import { type Credentials, Keys } from "../../actors/ports/mod.ts";
import { signDocument, type Trust, verifySigned } from "../../actors/reload/mod.ts";
import { readDocument, viprOverlay, writeOverlay } from "../../codecs/overlay/mod.ts";
import { nodeIdFrom, SecurityBlock, x509 } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { makeAuthority, type OwnAuthority } from "../../runtime/authority.ts";
import { keysLayer } from "../../runtime/keys.ts";
import { runs, test } from "../kit/harness.ts";

const NAME = "ring.example";
const SIGNER = nodeIdFrom(5n);
const DAY_MS = 86_400_000;
/** Each try verifies a signature. */
const tries = Math.min(runs, 200);

const run = <A, E>(body: Effect.Effect<A, E, Keys>): Promise<A> =>
  Effect.runPromise(Effect.provide(body, Layer.merge(keysLayer, Logger.layer([]))));

const certified = Effect.fnUntraced(function* (
  authority: OwnAuthority,
  given: {
    readonly nodeId?: bigint;
    readonly overlay?: string;
    readonly isRsa?: boolean;
    readonly isOver?: boolean;
  } = {},
) {
  const keys = yield* Keys;
  const nowMs = yield* Clock.currentTimeMillis;
  const key = given.isRsa ? yield* keys.generateRsa : yield* keys.generate;
  const leaf = yield* authority.issue({
    csr: yield* keys.certificateRequest(key),
    uris: [`reload://${nodeIdText(nodeIdFrom(given.nodeId ?? SIGNER))}@${given.overlay ?? NAME}/`],
    dnsNames: [],
    emails: [],
    notBeforeMs: nowMs - 2 * DAY_MS,
    notAfterMs: given.isOver ? nowMs - DAY_MS : nowMs + DAY_MS,
  });
  return { key, certificates: [leaf, ...authority.intermediates], roots: [authority.root] } satisfies Credentials;
});

const text = writeOverlay(viprOverlay({ name: NAME, sequence: 2, configurationSigners: [SIGNER] }));
const judged = Effect.fnUntraced(function* (document: string, trust: Trust) {
  const read = readDocument(document, NAME);
  ok(read.ok);
  return yield* verifySigned(read.value, trust);
});

test("RFC 6940 §11.1: a signer is known by the Node-ID of a good certificate of this overlay, and by nothing else", () =>
  run(
    Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis;
      const authority = yield* makeAuthority({ name: "root", nowMs });
      const under = yield* makeAuthority({ name: "issuing", nowMs, under: authority });
      const stranger = yield* makeAuthority({ name: "root", nowMs });
      const trust: Trust = { overlay: NAME, signers: [SIGNER, nodeIdFrom(6n)], badNodes: [], roots: [authority.root] };
      const by = Effect.fnUntraced(function* (credentials: Credentials, more: Partial<Trust> = {}) {
        const verdict = yield* judged(yield* signDocument(text, NAME, credentials), { ...trust, ...more });
        return "by" in verdict ? verdict.by : "refused";
      });
      const good = yield* certified(authority);
      same(yield* by(good), SIGNER);
      same(yield* by(yield* certified(authority, { isRsa: true })), SIGNER);
      same(yield* by(yield* certified(under)), SIGNER);
      same(yield* by(good, { signers: [nodeIdFrom(6n)] }), "refused");
      same(yield* by(good, { badNodes: [SIGNER] }), "refused");
      same(yield* by(good, { overlay: "other.example" }), "refused");
      same(yield* by(good, { roots: [stranger.root] }), "refused");
      same(yield* by(yield* certified(authority, { nodeId: 7n })), "refused");
      same(yield* by(yield* certified(authority, { overlay: "other.example" })), "refused");
      same(yield* by(yield* certified(authority, { isOver: true })), "refused");
      same(yield* by(yield* certified(stranger)), "refused");
      // The authority signs where no signer is listed, and only there; an intermediate is not the authority.
      same(yield* by(authority.credentials), "refused");
      same(yield* by(authority.credentials, { signers: [] }), "authority");
      same(yield* by(under.credentials, { signers: [] }), "refused");
      same(yield* by(good, { signers: [] }), "refused");
    }),
  ));

test("RFC 6940 §11.1: no byte of a signed configuration changes unnoticed, nor any byte of its signature", () =>
  run(
    Effect.gen(function* () {
      const authority = yield* makeAuthority({ name: "root", nowMs: yield* Clock.currentTimeMillis });
      const trust: Trust = { overlay: NAME, signers: [SIGNER], badNodes: [], roots: [authority.root] };
      const signed = yield* signDocument(text, NAME, yield* certified(authority));
      const read = readDocument(signed, NAME);
      ok(read.ok);
      const [bytes, [block]] = [read.value.bytes, read.value.signatures] as [Uint8Array, [Uint8Array]];
      same(yield* verifySigned({ bytes, signatures: [block] }, trust), { by: SIGNER });
      const keys = yield* Keys;
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (inBlock, at, change) => {
            const flipped = (of: Uint8Array) => of.with(at % of.length, of[at % of.length]! ^ change);
            const given = inBlock
              ? { bytes, signatures: [flipped(block)] }
              : { bytes: flipped(bytes), signatures: [block] };
            const verdict = await Effect.runPromise(Effect.provideService(verifySigned(given, trust), Keys, keys));
            // The certificate's own signature may hold bytes that say nothing; what is accepted is by the same signer.
            ok("refused" in verdict || (inBlock && verdict.by === SIGNER));
          }),
          { numRuns: tries },
        ),
      );
    }),
  ));

test("RFC 6940 §11.1: of the certificates that come with a signature, only the one that it names has its chain looked at", () =>
  run(
    Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis;
      const authority = yield* makeAuthority({ name: "root", nowMs });
      const trust: Trust = { overlay: NAME, signers: [SIGNER], badNodes: [], roots: [authority.root] };
      const good = yield* certified(authority);
      const others = yield* Effect.forEach([6n, 7n, 8n], (nodeId) => certified(authority, { nodeId }));
      const crowd = others.flatMap(({ certificates }) => certificates);
      const signed = yield* signDocument(text, NAME, { ...good, certificates: [...good.certificates, ...crowd] });
      // Names none of those that it shows.
      const nobodys = yield* signDocument(text, NAME, good);
      const keys = yield* Keys;
      let chains = 0;
      const counting = Layer.succeed(Keys, {
        ...keys,
        verifyChain: (...given) => {
          chains++;
          return keys.verifyChain(...given);
        },
      });
      const verdict = yield* Effect.provide(judged(signed, trust), counting);
      same([verdict, chains], [{ by: SIGNER }, 1]);
      const read = [readDocument(nobodys, NAME), readDocument(signed, NAME)] as const;
      ok(read[0].ok && read[1].ok);
      const block = decode(SecurityBlock, read[0].value.signatures[0]!);
      ok(block.ok);
      const certificates = crowd.map(x509);
      const forged = encode(SecurityBlock, { ...block.value, certificates });
      const given = { bytes: read[0].value.bytes, signatures: Array(4).fill(forged) };
      same("refused" in (yield* Effect.provide(verifySigned(given, trust), counting)), true);
      same(chains, 1);
    }),
  ));
