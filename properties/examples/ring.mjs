/**
 * A ring of eight nodes on the memory runtime: on Node, Deno and Bun as it stands, and in a page, where page/node-crypto.mjs is put
 * in the place of what that runtime takes from Node.
 *
 *   keys, certificates (real time) --> eight nodes, one after the other, through the first (virtual time) --> whose is a resource?
 */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { Effect } from "effect";
import { Keys } from "vipr/actors/ports";
import { startNode } from "vipr/actors/reload";
import { viprOverlay } from "vipr/codecs/overlay";
import { nodeIdText } from "vipr/codecs/shared";
import { memoryLayer, runVirtual } from "vipr/runtime/memory";

const NAME = "ring.example";
const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** An authority of a few lines: a real one looks at what it certifies. */
const authority = async (nowMs) => {
  const keys = await crypto.subtle.generateKey(EC, true, ["sign", "verify"]);
  const common = { signingAlgorithm: EC, notBefore: new Date(nowMs - 1_000), notAfter: new Date(nowMs + 86_400_000) };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...common,
    name: "CN=authority",
    keys,
    extensions: [new x509.BasicConstraintsExtension(true)],
  });
  const issue = async (csr, nodeId) => {
    const certificate = await x509.X509CertificateGenerator.create({
      ...common,
      issuer: root.subject,
      publicKey: new x509.Pkcs10CertificateRequest(csr).publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          [{ type: "url", value: `reload://${nodeIdText(nodeId)}@${NAME}/` }],
          true,
        ),
      ],
    });
    return new Uint8Array(certificate.rawData);
  };
  return { root: new Uint8Array(root.rawData), issue };
};

/** In real time: virtual time waits for those who sleep on it, and not for WebCrypto. */
const credentialsOf = Effect.fn(function* (nodeIds) {
  const keys = yield* Keys;
  const { root, issue } = yield* Effect.promise(() => authority(Date.now()));
  return yield* Effect.forEach(nodeIds, (nodeId) =>
    Effect.gen(function* () {
      const key = yield* keys.generate;
      const csr = yield* keys.certificateRequest(key);
      return { key, certificates: [yield* Effect.promise(() => issue(csr, nodeId))], roots: [root] };
    }),
  );
});

const ring = Effect.fn(function* (members) {
  const nodes = [];
  for (const credentials of members) {
    const overlay = viprOverlay({ name: NAME, sequence: 1, bootstrapNodes: nodes.slice(0, 1) });
    nodes.push(yield* startNode({ credentials, overlay, listen: { host: "127.0.0.1", port: 0 } }));
  }
  const resourceId = new Uint8Array(16).fill(0x55);
  const answers = yield* Effect.forEach(nodes, (node) => node.ping({ resourceId }));
  const owners = new Set(answers.map(({ nodeId }) => nodeIdText(nodeId)));
  console.log(nodes.length, "nodes agree on", ...owners);
});

const world = memoryLayer({ seed: 8 });
const nodeIds = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n].map((n) => n << 124n);
const members = await Effect.runPromise(Effect.provide(credentialsOf(nodeIds), world));
await runVirtual(Effect.provide(Effect.scoped(ring(members)), world), Date.now());
// prints: 8 nodes agree on 60000000000000000000000000000000
