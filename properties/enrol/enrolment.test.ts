/** Enrolment from end to end, over real HTTPS and in memory on virtual time: the same laws for both. RFC 6940 §11. */
import { notDeepStrictEqual as differ, ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, type Layer, Logger, type Scope } from "effect";
import { type EnrolWith, enrol, fetchOverlay } from "../../actors/enrol/mod.ts";
import { type Entropy, Https, type HttpsCall, Keys } from "../../actors/ports/mod.ts";
import {
  CONFIGURATION_PATH,
  ENROLMENT_PATH,
  formContentType,
  readReloadUri,
  writeEnrolment,
} from "../../codecs/enrol/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { OVERLAY, openEnrolment, PASSWORD } from "./federation.ts";

type Ports = Entropy | Https | Keys;

const enrolmentLaws = (
  name: string,
  layer: () => Layer.Layer<Ports>,
  run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>,
): void => {
  const law = <E>(title: string, body: Effect.Effect<unknown, E, Ports | Scope.Scope>) =>
    test(`${name}: ${title}`, async () => {
      await run(Effect.provide(Effect.scoped(body), layer()));
    });
  const alice = (at: Omit<EnrolWith, "user" | "password">): EnrolWith => ({ ...at, user: "alice", password: PASSWORD });

  law(
    "a node gets the document, and a certificate that chains to its roots and says only what it must",
    Effect.gen(function* () {
      const { at, server, authority } = yield* openEnrolment();
      const overlay = yield* fetchOverlay(at);
      same([overlay.name, overlay.rootCertificates], [OVERLAY, [authority.root]]);
      const { credentials, nodeIds } = yield* enrol(alice(at));
      const nowMs = yield* Clock.currentTimeMillis;
      const facts = yield* (yield* Keys).verifyChain(credentials.certificates, credentials.roots, nowMs);
      same([facts.nodeIds, facts.emails, facts.dnsNames], [nodeIds, [`alice@${OVERLAY}`], []]);
      same(facts.uris.map(readReloadUri), [{ nodeId: nodeIds[0]!, overlay: OVERLAY }]);
      const { documents, issued } = yield* server.counters;
      same({ documents, issued }, { documents: 2, issued: 1 });
    }),
  );
};

enrolmentLaws("https", () => nodeLayer(), (effect) => Effect.runPromise(effect));
enrolmentLaws("memory", () => memoryLayer({ seed: 5 }), (effect) => runVirtual(effect));
