/**
 * Our relay in a process of its own, with as many calls as it is told, for the bench: `relay.ts CALLS INSIDE OUTSIDE`. Call i
 * has its telephone at port INSIDE + 2i and its other end at OUTSIDE + 2i; ports and our keys are printed in one line.
 */
import process from "node:process";
import { Effect } from "effect";
import { openEmbeddedRelay } from "../../../actors/media/mod.ts";
import { nodeLayer } from "../../../runtime/node.ts";
import { setUp } from "./set-up.ts";

const [calls = 0, inside = 0, outside = 0] = process.argv.slice(2).map(Number);
const HOST = "127.0.0.1";

const program = Effect.gen(function* () {
  const relay = yield* openEmbeddedRelay({
    inside: [{ host: HOST }],
    outside: [{ host: HOST }],
    ports: { min: 40_000, max: 59_999 },
    privateOutside: true,
  });
  console.log(JSON.stringify(yield* setUp(relay, calls, inside, outside)));
  yield* Effect.never;
});
await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(nodeLayer())));
