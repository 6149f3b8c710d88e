/**
 * RELOAD messages that one node seals and opens, with the signatures that takes, beside the signature alone as the
 * runtime's `node:crypto` makes and checks it, over as many bytes. Below 1 is what the rest of the work costs.
 */

import { generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import { type Body, nodeIdFrom, toNode } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { keysLayer } from "../../runtime/keys.ts";
import { authorityNamed, certified } from "../kit/certificates.ts";
import { makeMessageSecurity } from "../reload/security-host.ts";
import { type Contest, rateOf, rateOfAsync } from "./kit.ts";

const ping: Body = { type: "pingReq", value: { padding: new Uint8Array(64) } };
const text = new Uint8Array(300);

const pairs = {
  ECDSA: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  RSA: generateKeyPairSync("rsa", { modulusLength: 2048 }),
};
const signAlone = (key: KeyObject) => () => rateOf(() => sign("sha256", text, key));
const verifyAlone = (key: KeyObject, signature: Uint8Array) => () =>
  rateOf(() => verify("sha256", text, key, signature));

/** The two contests of one algorithm. */
const contestsFor = Effect.fnUntraced(function* (algorithm: keyof typeof pairs) {
  const keys = yield* Keys;
  const nowMs = yield* Clock.currentTimeMillis;
  const root = yield* authorityNamed("root", undefined, nowMs);
  const configuration = {
    now: () => viprOverlay({ name: "ring.example", sequence: 1 }),
    roots: () => [root.certificate],
  };
  const key = yield* algorithm === "RSA" ? keys.generateRsa : keys.generate;
  const uris = [`reload://${nodeIdText(nodeIdFrom(7n))}@ring.example/`];
  const lasting = { notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 3_600_000 };
  const certificates = [yield* certified(key, root, { uris, ...lasting })];
  const security = yield* makeMessageSecurity({ key, certificates, roots: [] }, configuration);
  const seal = security.sign({ transactionId: 5n, destinations: [toNode(nodeIdFrom(1n))], body: ping });
  const signed = yield* seal;
  const { privateKey, publicKey } = pairs[algorithm];
  const pass = (work: Effect.Effect<unknown, unknown>) => () => rateOfAsync(() => Effect.runPromise(work));
  return [
    {
      name: `messages: ${algorithm} seal`,
      unit: "1/s",
      peerName: "node:crypto sign alone",
      ours: pass(seal),
      peer: signAlone(privateKey),
    },
    {
      name: `messages: ${algorithm} open`,
      unit: "1/s",
      peerName: "node:crypto verify alone",
      ours: pass(security.verify(signed)),
      peer: verifyAlone(publicKey, sign("sha256", text, privateKey)),
    },
  ] satisfies ReadonlyArray<Contest>;
});

export const contests = (): Promise<ReadonlyArray<Contest>> =>
  Effect.runPromise(
    Effect.map(Effect.all([contestsFor("ECDSA"), contestsFor("RSA")]), (both) => both.flat()).pipe(
      Effect.provide(keysLayer),
    ) as Effect.Effect<ReadonlyArray<Contest>>,
  );
