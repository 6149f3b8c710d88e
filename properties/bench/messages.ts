/** RELOAD messages a second that one node seals and opens, with the signatures that takes; and what signing alone costs. */
import process from "node:process";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { makePost } from "../../actors/reload/post.ts";
import { type Body, toNode, viprOverlay } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { keysLayer } from "../../runtime/keys.ts";
import { authorityNamed, certified } from "../kit/certificates.ts";

const MESSAGES = Number(process.env.VIPR_MESSAGES ?? 3_000);
const ping: Body = { type: "pingReq", value: { padding: new Uint8Array(64) } };

const perSecond = Effect.fnUntraced(function* (what: string, one: Effect.Effect<unknown>) {
  for (let i = 0; i < 200; i++) yield* one;
  const before = performance.now();
  for (let i = 0; i < MESSAGES; i++) yield* one;
  const ms = performance.now() - before;
  console.log(
    `${what.padEnd(34)} ${Math.round((MESSAGES * 1_000) / ms)}/s  ${((ms * 1_000) / MESSAGES).toFixed(0)} us each`,
  );
});

await Effect.runPromise(
  Effect.gen(function* () {
    const keys = yield* Keys;
    const nowMs = yield* Clock.currentTimeMillis;
    const root = yield* authorityNamed("root", undefined, nowMs);
    const roots = [root.certificate];
    const configuration = { now: () => viprOverlay({ name: "ring.example", sequence: 1 }), roots: () => roots };
    const text = new Uint8Array(300);
    for (const key of [yield* keys.generate, yield* keys.generateRsa]) {
      const uris = [`reload://${nodeIdText(7n)}@ring.example/`];
      const lasting = { notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 3_600_000 };
      const certificates = [yield* certified(key, root, { uris, ...lasting })];
      const post = yield* makePost({ key, certificates, roots: [] }, configuration);
      const seal = post.seal({ transactionId: 5n, destinations: [toNode(1n)], body: ping });
      const sealed = yield* seal;
      const signature = yield* keys.sign(key, text);
      yield* perSecond(`${key.algorithm} seal`, seal);
      yield* perSecond(`${key.algorithm} open`, post.open(sealed));
      yield* perSecond(`${key.algorithm} sign alone`, keys.sign(key, text));
      yield* perSecond(`${key.algorithm} verify alone`, keys.verify(certificates[0]!, text, signature));
    }
  }).pipe(Effect.provide(keysLayer)) as Effect.Effect<void>,
);
