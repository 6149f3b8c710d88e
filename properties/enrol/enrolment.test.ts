/** Enrolment from end to end, over real HTTPS and in memory on virtual time: the same laws for both. RFC 6940 §11. */
import { notDeepStrictEqual as differ, ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Layer, Logger, References } from "effect";
import { EnrolmentRefused, type EnrolWith, enrol, fetchOverlay } from "../../actors/enrol/mod.ts";
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
import { lawsOn, type Run } from "../kit/law.ts";
import { OVERLAY, openEnrolment, PASSWORD } from "./federation.ts";

type Ports = Entropy | Https | Keys;
type At = Omit<EnrolWith, "user" | "password">;

const alice = (at: At): EnrolWith => ({ ...at, user: "alice", password: PASSWORD });
const bob = (at: At): EnrolWith => ({ ...at, user: "bob", password: "battery staple" });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const ask = Effect.fnUntraced(function* (at: At, call: Pick<HttpsCall, "method" | "path" | "headers" | "body">) {
  const { host, port, overlayName, roots } = at;
  return yield* (yield* Https).request({ host, port, serverName: overlayName, roots, bodyBytesMax: 100_000, ...call });
});
/** A form as a node posts it, for alice. */
const post = (at: At, csr: Uint8Array = Uint8Array.of(1)) =>
  ask(at, {
    method: "POST",
    path: ENROLMENT_PATH,
    headers: { "content-type": formContentType("a-boundary"), accept: "application/pkix-cert" },
    body: writeEnrolment({ csr, user: "alice", password: PASSWORD, nodeIds: 1 }, "a-boundary"),
  });

const enrolmentLaws = (name: string, layer: () => Layer.Layer<Ports>, run: Run): void => {
  const law = lawsOn(name, layer, run);

  law(
    "a node gets the document, and a certificate that chains to its roots and says only what it must (§11.3)",
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

  law(
    "a wrong password, an unknown user, no password: refused, and the same word for all (§11.3)",
    Effect.gen(function* () {
      const { at, server } = yield* openEnrolment();
      for (const [user, password] of [
        ["alice", "wrong"],
        ["alice", ""],
        ["alice", `${PASSWORD} `],
        ["mallory", PASSWORD],
        ["__proto__", ""],
        ["", ""],
      ] as const)
        same(
          yield* Effect.flip(enrol({ ...at, user, password })),
          new EnrolmentRefused({ token: "failed_authentication" }),
        );
      const { issued, refused } = yield* server.counters;
      same([issued, refused.failed_authentication], [0, 6]);
    }),
  );

  law(
    "the same user gets the same Node-IDs again for another key, another user others, nobody too many (§11.3)",
    Effect.gen(function* () {
      const { at } = yield* openEnrolment({ nodeIdsPerUserMax: 3 });
      const [one, again] = [yield* enrol(alice(at)), yield* enrol(alice(at))];
      same(again.nodeIds, one.nodeIds);
      differ(again.credentials.certificates, one.credentials.certificates);
      const three = yield* enrol({ ...alice(at), nodeIds: 3 });
      same([three.nodeIds.length, new Set(three.nodeIds).size, three.nodeIds[0]], [3, 3, one.nodeIds[0]]);
      ok(!three.nodeIds.includes((yield* enrol(bob(at))).nodeIds[0]!));
      same(
        yield* Effect.flip(enrol({ ...alice(at), nodeIds: 4 })),
        new EnrolmentRefused({ token: "Node-IDs_not_available" }),
      );
      same(
        yield* Effect.flip(enrol({ ...at, user: "in valid", password: PASSWORD })),
        new EnrolmentRefused({ token: "username_not_available" }),
      );
    }),
  );

  law(
    "many at once: each gets one certificate, nobody another's",
    Effect.gen(function* () {
      const { at } = yield* openEnrolment();
      const all = yield* Effect.all(
        Array.from({ length: 12 }, (_, i) => enrol(i % 2 === 0 ? alice(at) : bob(at))),
        { concurrency: "unbounded" },
      );
      same(new Set(all.map(({ nodeIds }) => nodeIds.join())).size, 2);
      same(new Set(all.map(({ credentials }) => credentials.key.id)).size, 12);
    }),
  );

  law(
    "a CSR that its key did not sign, rubbish for one, or none: bad_CSR (§11.3)",
    Effect.gen(function* () {
      const { at, server } = yield* openEnrolment();
      const keys = yield* Keys;
      const csr = yield* keys.certificateRequest(yield* keys.generate);
      const forged = csr.with(csr.length - 5, csr[csr.length - 5]! ^ 1);
      for (const bad of [forged, csr.subarray(0, 80), Uint8Array.of(0x30, 0), new Uint8Array()]) {
        const answer = yield* post(at, bad);
        same([answer.status, textOf(answer.body)], [403, "bad_CSR"]);
      }
      same((yield* server.counters).refused.bad_CSR, 4);
      const good = yield* post(at, csr);
      same([good.status, good.contentType], [200, "application/pkix-cert"]);
    }),
  );

  law(
    "what is no enrolment gets a plain answer, and changes nothing",
    Effect.gen(function* () {
      const { at, server } = yield* openEnrolment();
      const [POST, path] = ["POST", ENROLMENT_PATH];
      for (const [given, status] of [
        [{ method: POST, path, body: utf8("rubbish") }, 400],
        [{ method: POST, path, headers: { "content-type": formContentType("b") }, body: utf8("x") }, 400],
        [{ method: POST, path, headers: { accept: "text/html" }, body: utf8("x") }, 406],
        [{ method: POST, path, body: new Uint8Array(70_000) }, 413],
        [{ method: "GET", path }, 405],
        [{ method: "DELETE", path: CONFIGURATION_PATH }, 405],
        [{ method: "GET", path: "/../etc/passwd" }, 404],
        [{ method: "GET", path: "/" }, 404],
      ] as const)
        same([given.method, (yield* ask(at, given)).status], [given.method, status]);
      const { issued, badRequests } = yield* server.counters;
      same([issued, badRequests], [0, 2]);
      same((yield* ask(at, { method: "GET", path: `${CONFIGURATION_PATH}?x=1` })).status, 200);
      yield* enrol(alice(at));
    }),
  );

  law(
    "a server whose certificate is not for the overlay, or of a stranger's root, gets no password (RFC 2818)",
    Effect.gen(function* () {
      const { at, authority, server } = yield* openEnrolment({ serverName: "other.example" });
      same((yield* Effect.flip(fetchOverlay(at)))._tag, "EnrolmentFailed");
      same((yield* Effect.flip(post(at)))._tag, "HttpsFailed");
      const fits = { ...at, overlayName: "other.example" };
      same((yield* ask(fits, { method: "GET", path: CONFIGURATION_PATH })).status, 200);
      // The name fits, but the document is another overlay's: discarded, §11.2.
      same((yield* Effect.flip(fetchOverlay(fits)))._tag, "EnrolmentFailed");
      same((yield* Effect.flip(post({ ...fits, roots: [authority.root] })))._tag, "HttpsFailed");
      const { issued, refused } = yield* server.counters;
      same([issued, refused.failed_authentication, refused.bad_CSR], [0, 0, 0]);
    }),
  );

  law(
    "no password reaches a log",
    Effect.gen(function* () {
      const lines: Array<string> = [];
      const logger = Logger.make(({ message }) => {
        lines.push(JSON.stringify(message));
      });
      yield* Effect.provide(
        Effect.gen(function* () {
          const { at } = yield* openEnrolment();
          yield* enrol(alice(at));
          yield* Effect.flip(enrol({ ...at, user: "alice", password: "hunter2hunter2" }));
          yield* ask(at, { method: "POST", path: ENROLMENT_PATH, body: utf8(PASSWORD) });
        }),
        Layer.merge(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "All")),
      );
      ok(lines.length >= 3);
      ok(!lines.some((line) => line.includes(PASSWORD) || line.includes("hunter2")));
    }),
  );
};

enrolmentLaws(
  "https",
  () => nodeLayer(),
  (effect) => Effect.runPromise(effect),
);
enrolmentLaws(
  "memory",
  () => memoryLayer({ seed: 5 }),
  (effect) => runVirtual(effect),
);
