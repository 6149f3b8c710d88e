/** Enrolment from end to end, over real HTTPS and in memory on virtual time: the same laws for both. RFC 6940 §11. */

import { notDeepStrictEqual as differ, ok, deepStrictEqual as same } from "node:assert";
import { Clock, Deferred, Effect, Layer, Logger, Option, References } from "effect";
import { EnrolmentRefused, type EnrolWith, enrol, fetchDocument, fetchOverlay } from "../../actors/enrol/mod.ts";
import { ENROLMENTS_WAITING_MAX } from "../../actors/enrol/request-handler.ts";
import {
  type Entropy,
  HTTPS_TIMEOUT_MS,
  Https,
  type HttpsCall,
  Keys,
  StoreFailed,
  type StoreShape,
} from "../../actors/ports/mod.ts";
import { signDocument, verifySigned } from "../../actors/reload/mod.ts";
import {
  CONFIGURATION_PATH,
  ENROLMENT_PATH,
  formContentType,
  readReloadUri,
  writeEnrolment,
} from "../../codecs/enrol/mod.ts";
import { readDocument, writeOverlay } from "../../codecs/overlay/mod.ts";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { readCertificate } from "../../codecs/x509/mod.ts";
import { userBrake } from "../../machines/enrol/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { memoryStore } from "../../runtime/store/memory.ts";
import { lawsOn, type Run } from "../kit/law.ts";
import { OVERLAY, openEnrolment, PASSWORD } from "./federation.ts";

type Ports = Entropy | Https | Keys;
type At = Omit<EnrolWith, "user" | "password">;

const alice = (at: At): EnrolWith => ({ ...at, user: "alice", password: PASSWORD });
const bob = (at: At): EnrolWith => ({ ...at, user: "bob", password: "battery staple" });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const ask = Effect.fnUntraced(function* (
  at: At,
  call: Pick<HttpsCall, "method" | "path" | "headers" | "body" | "timeoutMs">,
) {
  const { host, port, overlayName, roots } = at;
  return yield* (yield* Https).request({ host, port, serverName: overlayName, roots, bodyBytesMax: 100_000, ...call });
});
/** A form as a node posts it, for alice. */
const post = (
  at: At,
  csr: Uint8Array = Uint8Array.of(1),
  password = PASSWORD,
  user = "alice",
  timeoutMs = HTTPS_TIMEOUT_MS,
) =>
  ask(at, {
    timeoutMs,
    method: "POST",
    path: ENROLMENT_PATH,
    headers: { "content-type": formContentType("a-boundary"), accept: "application/pkix-cert" },
    body: writeEnrolment({ csr, user, password, nodeIds: 1 }, "a-boundary"),
  });

const ownCsr = Effect.gen(function* () {
  const keys = yield* Keys;
  return yield* keys.certificateRequest(yield* keys.generate);
});

const enrolmentLaws = (name: string, layer: () => Layer.Layer<Ports>, run: Run): void => {
  const law = lawsOn(name, layer, run);

  // RFC 6940 §11.2, §11.3; ViPR overview §4
  law(
    "a node gets the document, and a certificate that chains to its roots and contains only what it must (§11.3)",
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

  // RFC 6940 §11.3
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

  // RFC 6940 §11.3, §13.6.2
  law(
    "the same user gets the same Node-IDs again for another key, another user gets others, and none too many (§11.3)",
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
    "RFC 6940 §11.3: a node's certificate has an empty subject, and its names are critical",
    Effect.gen(function* () {
      const { at } = yield* openEnrolment();
      const { credentials } = yield* enrol(alice(at));
      const read = readCertificate(credentials.certificates[0]!);
      ok(read.ok);
      const { subject, extensions } = read.value;
      same([subject.rdns, extensions.altNames?.isCritical, extensions.altNames?.names.length], [[], true, 2]);
    }),
  );

  law(
    "many at once: each gets one certificate, and its own",
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

  // RFC 6940 §11.3
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

  // RFC 6940 §11.3
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

  // RFC 6940 §11.2, §11.3
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
    "RSA and ECDSA, at the root and below it: nodes of either are certified, and their chain is good (§11.3)",
    Effect.gen(function* () {
      for (const [algorithm, isBelow] of [
        ["rsa", false],
        ["ecdsa", true],
      ] as const) {
        const { at, authority } = yield* openEnrolment({ algorithm, isBelow });
        for (const node of ["rsa", "ecdsa"] as const) {
          const { credentials, overlay } = yield* enrol({ ...alice(at), algorithm: node });
          same([credentials.key.algorithm, credentials.roots], [node, [...authority.intermediates, authority.root]]);
          same(overlay.rootCertificates, credentials.roots);
          const nowMs = yield* Clock.currentTimeMillis;
          yield* (yield* Keys).verifyChain(
            credentials.certificates,
            [authority.intermediates[0] ?? authority.root],
            nowMs,
          );
        }
      }
    }),
  );

  law(
    "after a restart the same user has the same Node-IDs, for another key (§11.3)",
    Effect.gen(function* () {
      const store = memoryStore();
      const before = yield* Effect.scoped(
        Effect.gen(function* () {
          const { at } = yield* openEnrolment({ store });
          return [yield* enrol({ ...alice(at), nodeIds: 2 }), yield* enrol(bob(at))].map(({ nodeIds }) => nodeIds);
        }),
      );
      const { at } = yield* openEnrolment({ store });
      const after = [yield* enrol({ ...alice(at), nodeIds: 2 }), yield* enrol(bob(at))].map(({ nodeIds }) => nodeIds);
      same(after, before);
      const other = yield* openEnrolment();
      differ((yield* enrol({ ...alice(other.at), nodeIds: 2 })).nodeIds, before[0]);
    }),
  );

  law(
    "where Node-IDs cannot be stored, no certificate is issued, and the next try may succeed",
    Effect.gen(function* () {
      const store = memoryStore();
      let isFull = true;
      const full: StoreShape = {
        ...store,
        write: (changes) =>
          isFull ? Effect.fail(new StoreFailed({ reason: "full", why: "a test" })) : store.write(changes),
      };
      const { at, server } = yield* openEnrolment({ store: full });
      const keys = yield* Keys;
      const csr = yield* keys.certificateRequest(yield* keys.generate);
      same((yield* post(at, csr)).status, 503);
      isFull = false;
      same((yield* post(at, csr)).status, 200);
      same((yield* server.counters).putOff, { busy: 0, brake: 0, store: 1 });
    }),
  );

  // RFC 6940 §14.16; docs/protocol/enrolment.md
  law(
    "a signed document is accepted byte for byte, a wrong signature is not, and a signature may be required (§11.1)",
    Effect.gen(function* () {
      const { at, authority } = yield* openEnrolment({ isSigned: true });
      const { document, overlay } = yield* fetchDocument({ ...at, signature: "required" });
      same((yield* fetchDocument(at)).document, document);
      same((yield* enrol(alice(at))).document, document);
      const trust = { overlay: OVERLAY, signers: [], badNodes: [], roots: overlay.rootCertificates };
      const judged = Effect.fnUntraced(function* (text: string) {
        const read = readDocument(text, OVERLAY);
        ok(read.ok);
        return yield* verifySigned(read.value, trust);
      });
      same(yield* judged(document), { by: "authority" });
      same(yield* judged(document.replace(">10000<", ">10001<")), { refused: "wrong signature" });
      same(yield* judged(writeOverlay(overlay)), { refused: "unsigned" });
      const stranger = yield* makeAuthority({ name: "an overlay's root", nowMs: yield* Clock.currentTimeMillis });
      same(yield* judged(yield* signDocument(document, OVERLAY, stranger.credentials)), {
        refused: "not by one who may sign",
      });
      same(yield* judged(yield* signDocument(document, OVERLAY, authority.credentials)), { by: "authority" });
      const unsigned = yield* openEnrolment();
      const refused = yield* Effect.flip(fetchDocument({ ...unsigned.at, signature: "required" }));
      ok(refused.why.includes("unsigned"));
      // It names a signer, and is signed by the authority all the same: by its own word, that counts for nothing.
      const wrong = yield* openEnrolment({ isSigned: true, overlay: { configurationSigners: [nodeIdFrom(5n)] } });
      ok((yield* Effect.flip(fetchDocument(wrong.at))).why.includes("not by one who may sign"));
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

/** Waits of a second are none to a loaded machine: on virtual time alone. */
const onVirtualTime = lawsOn(
  "memory",
  () => memoryLayer({ seed: 6 }),
  (effect) => runVirtual(effect),
);
onVirtualTime(
  "guessing is slowed for existing and unknown users, and the right password is put off alike",
  Effect.gen(function* () {
    const { at, server } = yield* openEnrolment();
    for (const user of ["alice", "mallory"]) {
      const statuses: Array<number> = [];
      for (let i = 0; i < userBrake.free + 2; i++) statuses.push((yield* post(at, undefined, "wrong", user)).status);
      same(statuses, [...Array(userBrake.free).fill(403), 503, 503]);
    }
    const right = yield* post(at);
    same([right.status, textOf(right.body)], [503, "busy"]);
    const { putOff, refused } = yield* server.counters;
    same([putOff.brake, refused.failed_authentication], [5, 2 * userBrake.free]);
    yield* Effect.sleep(userBrake.firstMs + 100);
    same((yield* post(at, yield* ownCsr)).status, 200);
  }),
);

onVirtualTime(
  "within a wait no password is hashed: a guesser costs the server as many hashes as it may guess",
  Effect.gen(function* () {
    let hashed = 0;
    const users = () => Effect.as(Effect.sleep(70), ++hashed < 0);
    const { at, server } = yield* openEnrolment({ users });
    for (let i = 0; i < 3 * userBrake.free; i++) yield* post(at, undefined, "wrong");
    same(hashed, userBrake.free);
    same((yield* server.counters).putOff.brake, 2 * userBrake.free);
  }),
);

const onRealTime = lawsOn(
  "https",
  () => nodeLayer(),
  (effect) => Effect.runPromise(effect),
);
onRealTime(
  "clients that ask and go away leave no more hashes behind than the limit, and later ones are asked to retry",
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>();
    let hashed = 0;
    const users = () => Effect.as(Deferred.await(gate), ++hashed < 0);
    const { at, server } = yield* openEnrolment({ users });
    // On a loaded machine a client may go away before its request has arrived: each round is more patient than the one before.
    const gone = (patienceMs: number) => Effect.ignore(post(at, undefined, "wrong", "alice", patienceMs));
    const statusNow = Effect.option(Effect.map(post(at, undefined, "wrong", "alice", 30_000), ({ status }) => status));
    let patienceMs = 400;
    for (let asked = 0; asked < 6 * ENROLMENTS_WAITING_MAX; asked += 24) {
      if ((yield* server.counters).putOff.busy > 0) break;
      yield* Effect.replicateEffect(gone(patienceMs), 24, { concurrency: "unbounded", discard: true });
      patienceMs = Math.min(1.5 * patienceMs, 8_000);
    }
    same(yield* statusNow, Option.some(503));
    yield* Deferred.succeed(gate, undefined);
    while ((yield* server.counters).refused.failed_authentication === 0) yield* Effect.sleep(10);
    yield* Effect.sleep(100);
    ok(hashed <= ENROLMENTS_WAITING_MAX, String(hashed));
    same((yield* post(at, undefined, "wrong", "bob")).status, 403);
  }),
);
