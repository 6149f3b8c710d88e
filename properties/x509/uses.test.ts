/**
 * One verdict wherever a chain is believed: who opens a link, who signs messages, values and documents, and what an
 * authority gives. Each row of the table, on the runtime that runs this.
 */

import { deepStrictEqual as same } from "node:assert";
import { Clock, Deferred, Effect, Layer, Logger, type Scope } from "effect";
import { enrol } from "../../actors/enrol/mod.ts";
import { type Credentials, Dialer, Https, Listener, type PrivateKey } from "../../actors/ports/mod.ts";
import { signDocument, verifySigned } from "../../actors/reload/mod.ts";
import { mediaType, readEnrolment } from "../../codecs/enrol/mod.ts";
import { readDocument, viprOverlay, writeOverlay } from "../../codecs/overlay/mod.ts";
import { kindId, type NodeId, nodeIdFrom, type StoredDataValue, toNode } from "../../codecs/reload/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { readRequest } from "../../codecs/x509/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { keyOfPem } from "../../runtime/keys.ts";
import { memoryLayer } from "../../runtime/memory.ts";
import { nodeLayer, type Ports } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { type Holder, writeKey } from "../kit/x509.ts";
import { makeMessageSecurity } from "../reload/security-host.ts";
import { chainOf, holders, OVERLAY, type Row, rows, VICTIM } from "./chains.ts";

const HOST = "127.0.0.1";
const GOOD: Row = { name: "", verdict: "good" };

const keyOf = ({ secret }: Holder): PrivateKey | undefined =>
  keyOfPem(secret.export({ type: "pkcs8", format: "pem" }) as string);

/** On real sockets, quiet. */
const run = <A, E>(body: Effect.Effect<A, E, Ports | Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.provide(Effect.scoped(body), Layer.merge(nodeLayer(), Logger.layer([]))));

/** What the row's verdict is to be here, beside what it is: every row, by its name. */
const judged = Effect.fnUntraced(function* <R>(
  of: ReadonlyArray<Row>,
  isTaken: (row: Row, nowMs: number) => Effect.Effect<boolean, unknown, R>,
) {
  const nowMs = yield* Clock.currentTimeMillis;
  const wrong: Array<string> = [];
  for (const row of of) {
    // A platform may refuse to load what is to be shown (Node: RSA 1024): such a one comes to nothing either.
    const exit = yield* Effect.exit(isTaken(row, nowMs));
    const taken = exit._tag === "Success" && exit.value;
    if (taken !== (row.verdict === "good")) wrong.push(`${row.name}: ${taken ? "taken" : "refused"}`);
  }
  same(wrong, []);
});

/** Whoever has the row's chain, and trusts a good one; the other end the other way about. */
const ends = (row: Row, nowMs: number) => {
  const [chain, good] = [chainOf(row, nowMs), chainOf(GOOD, nowMs)];
  const key = keyOf(chain.leafHolder);
  if (key === undefined) return undefined; // a key that none of our nodes could have
  const theirs: Credentials = { key, certificates: chain.shown, roots: [good.root] };
  const ours: Credentials = { key: keyOf(good.leafHolder)!, certificates: good.shown, roots: [chain.root] };
  return { theirs, ours };
};
const configured = (roots: ReadonlyArray<Uint8Array>) => ({
  now: () => viprOverlay({ name: OVERLAY, sequence: 1 }),
  roots: () => roots,
});

/** Whether `by`, which trusts its own roots, takes the other's link; either may be the one that dials. */
const isLinked = (listener: Credentials, dialer: Credentials, by: "listener" | "dialer") =>
  Effect.scoped(
    Effect.gen(function* () {
      const ours = by === "listener" ? listener : dialer;
      const trust = yield* makeMessageSecurity(ours, configured(ours.roots));
      const seen = yield* Deferred.make<ReadonlyArray<NodeId>>();
      const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0, tls: listener }, (stream) =>
        Effect.gen(function* () {
          if (by === "listener") yield* Deferred.succeed(seen, yield* trust.nodesOf(stream.peer.certificates));
          yield* Effect.ignore(stream.write(Uint8Array.of(1)));
          yield* Effect.ignore(stream.read);
        }),
      );
      const stream = yield* (yield* Dialer).dial({ host: HOST, port, tls: dialer });
      yield* stream.read;
      if (by === "dialer") yield* Deferred.succeed(seen, yield* trust.nodesOf(stream.peer.certificates));
      return (yield* Deferred.await(seen)).includes(VICTIM);
    }),
  );

// RFC 6940 §6.5.1.13
test("links: a node that dials us is taken or refused as the table says, over TLS", () =>
  run(
    judged(rows, (row, nowMs) => {
      const both = ends(row, nowMs);
      return both === undefined ? Effect.succeed(false) : isLinked(both.ours, both.theirs, "listener");
    }),
  ));

// RFC 6940 §6.5.1.11, §6.5.1.13
test("links: a node that we dial is taken or refused as the table says, over TLS", () =>
  run(
    judged(rows, (row, nowMs) => {
      const both = ends(row, nowMs);
      return both === undefined ? Effect.succeed(false) : isLinked(both.theirs, both.ours, "dialer");
    }),
  ));

// RFC 6940 §6.5.1.11
test("links: whoever shows another's certificates and has not its key is no peer, whichever side it is", () =>
  run(
    Effect.gen(function* () {
      const { theirs, ours } = ends(GOOD, yield* Clock.currentTimeMillis)!;
      const thief = { ...theirs, key: keyOfPem(writeKey(holders.stranger, holders.leaf))! };
      same(yield* isLinked(ours, theirs, "listener"), true);
      same((yield* Effect.exit(isLinked(ours, thief, "listener")))._tag, "Failure");
      same((yield* Effect.exit(isLinked(thief, ours, "dialer")))._tag, "Failure");
    }),
  ));

// RFC 6940 §7.4.2.2, §13.2
test("signers: messages and values are believed as the table says", () =>
  run(
    judged(rows, (row, nowMs) =>
      Effect.gen(function* () {
        const both = ends(row, nowMs);
        if (both === undefined) return false;
        const us = yield* makeMessageSecurity(both.ours, configured(both.ours.roots));
        const them = yield* makeMessageSecurity(both.theirs, configured(both.theirs.roots));
        const body = { type: "pingReq", value: { padding: new Uint8Array() } } as const;
        const unsigned = { transactionId: 5n, destinations: [toNode(nodeIdFrom(1n))], body };
        const opened = yield* us.verify(yield* them.sign(unsigned));
        // The value comes within a message of somebody else's, and brings its signer's chain.
        const value: StoredDataValue = { key: new Uint8Array(24), value: { exists: false, value: new Uint8Array() } };
        const [resource, kind] = [new Uint8Array(16), kindId.viprRegistration];
        const signature = yield* them.signValue(resource, kind, 9n, value);
        const good = chainOf(GOOD, nowMs);
        const carrier = yield* makeMessageSecurity(
          { key: keyOf(holders.leaf)!, certificates: good.shown, roots: [] },
          configured([good.root]),
        );
        const reader = yield* makeMessageSecurity(both.ours, configured([good.root, ...both.ours.roots]));
        const carried = yield* reader.verify(
          yield* carrier.sign({ ...unsigned, certificates: both.theirs.certificates }),
        );
        if ("rejected" in carried) return yield* Effect.die("the carrier is not believed");
        const signer = yield* carried.signerOf(resource, kind, { storageTime: 9n, lifetime: 1, value, signature });
        const [byMessage, byValue] = [!("rejected" in opened), signer?.nodeId === VICTIM];
        return byMessage === byValue ? byMessage : yield* Effect.die("messages and values differ");
      }),
    ),
  ));

test("documents: a signer is believed as the table says", () =>
  run(
    judged(rows, (row, nowMs) =>
      Effect.gen(function* () {
        const both = ends(row, nowMs);
        if (both === undefined) return false;
        const text = writeOverlay(viprOverlay({ name: OVERLAY, sequence: 2, configurationSigners: [VICTIM] }));
        const read = readDocument(yield* signDocument(text, OVERLAY, both.theirs), OVERLAY);
        if (!read.ok) return yield* Effect.die(read.error.why);
        const trust = { overlay: OVERLAY, signers: [VICTIM], badNodes: [], roots: both.ours.roots };
        return "by" in (yield* verifySigned(read.value, trust));
      }),
    ),
  ));

/**
 * An answer to enrolment is one bare certificate, and its issuer stands in the document: what a row does to the issuing
 * authority is done to the root here. What only a longer chain can have is left out, and so are keys, which the client makes.
 */
const enrolled: ReadonlyArray<Row> = rows.flatMap((row) => {
  const [issuer, ...further] = row.issuers ?? [{}];
  const isLonger =
    further.length > 0 || row.verdict === "pathLength" || issuer?.by !== undefined || issuer?.signing !== undefined;
  if (isLonger || row.leaf?.holder !== undefined) return [];
  return [{ ...row, root: { ...row.root, ...issuer }, issuers: [] }];
});

// RFC 6940 §11.3; docs/protocol/enrolment.md
test("enrolment: a certificate is taken or refused by the client as the table says", () =>
  Effect.runPromise(
    Effect.provide(
      Effect.scoped(
        Effect.gen(function* () {
          same(enrolled.length >= 60, true);
          const web = yield* makeAuthority({ name: "a public authority", nowMs: yield* Clock.currentTimeMillis });
          const tls = yield* credentialsUnder(OVERLAY, web);
          yield* judged(enrolled, (row, nowMs) => isEnrolled(row, nowMs, tls, web.root));
        }),
      ),
      Layer.merge(memoryLayer({ seed: 5 }), Logger.layer([])),
    ),
  ));

const isEnrolled = Effect.fnUntraced(function* (row: Row, nowMs: number, tls: Credentials, webRoot: Uint8Array) {
  const { root } = chainOf(row, nowMs);
  const overlay = viprOverlay({
    name: OVERLAY,
    sequence: 1,
    rootCertificates: [root],
    enrollmentServers: [`https://${HOST}:8443/enroll`],
  });
  const plain = { status: 200, contentType: mediaType.overlay };
  const client = Effect.gen(function* () {
    yield* (yield* Https).serve({ host: HOST, port: 8443, tls, bodyBytesMax: 65_536 }, (request) =>
      Effect.sync(() => {
        if (request.method === "GET") return { ...plain, body: utf8(writeOverlay(overlay)) };
        const form = readEnrolment(request.contentType, request.body);
        const asked = form.ok ? readRequest(form.value.csr) : undefined;
        const keyInfo = asked?.ok ? asked.value.keyInfo : undefined;
        // The same authority again: what it is made of is the row's, its key is one of the table's.
        const chain = chainOf(row, nowMs, keyInfo);
        return { status: 200, contentType: mediaType.certificate, body: chain.shown[0]! };
      }),
    );
    yield* enrol({ host: HOST, port: 8443, overlayName: OVERLAY, roots: [webRoot], user: "bob", password: "" });
    return true;
  });
  return yield* Effect.scoped(client);
});
