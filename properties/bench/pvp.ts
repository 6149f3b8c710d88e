/**
 * Whole validations a second of processor time, as the product runs them, both sides in one process: look-up of the claim, dial
 * through the ports, TLS-SRP by Effect's fibers, the request, the grant, and the close; beside OpenSSL's bare handshakes
 * (tls-srp.c). Group of 2048 bits, AES-128, over memory.
 *
 *   originator: validate() --> attempt --> memory network --> servePvp(): candidates, grant
 */
import { Effect, Layer, Logger, ManagedRuntime, Scope } from "effect";
import { servePvp, validate } from "../../actors/validation/mod.ts";
import { e164, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { callStore, insertCall, TV_MS_MAX, tryableFor } from "../../machines/validation/mod.ts";
import { arithmeticLayer, openHere } from "../../runtime/arithmetic.ts";
import { memoryLayer } from "../../runtime/memory.ts";
import { HOUR_MS, receivedCall, sentCall } from "../validation/arbitrary.ts";
import type { Contest } from "./kit.ts";
import { BITS, byOpenssl, handshakes, opensslProgram, ROUND_SECONDS, WARM_SECONDS } from "./tls-srp.ts";

/** As many at once as a server with a busy day has; each waits for some milliseconds, in which the others work. */
const AT_ONCE = 16;
const [OWNER, CALLER] = [nodeIdFrom(2n), nodeIdFrom(1n)];

/** Each its own call: a call has few attempts under way at once. */
const calls = (call: Vcr): ReadonlyArray<Vcr> =>
  Array.from({ length: AT_ONCE }, (_, i) => ({
    ...call,
    calling: e164(`+1408555${1_000 + i}`),
    startMs: unixMs(call.startMs + i * CALL_EVERY_MS),
    stopMs: unixMs(call.stopMs + i * CALL_EVERY_MS),
  }));
const CALL_EVERY_MS = 3_600_000;

/** The owner of the number serves as long as this process lives. */
const served = Effect.gen(function* () {
  const store = callStore([OWNER]);
  for (const call of calls(receivedCall)) insertCall(store, call, unixMs(HOUR_MS));
  const valInfo = {
    number: sentCall.called,
    ticket: "dGlja2V0",
    routes: [{ sipUris: ["sip:x@b.example:5061;transport=tls"] }],
  };
  return yield* servePvp(
    { host: "b.example", port: 0, nodeIds: [OWNER] },
    {
      candidates: (name) => Effect.sync(() => tryableFor(store, name)),
      failed: () => Effect.void,
      grant: () => Effect.succeed({ type: "granted", valInfo } as const),
    },
  );
});

const validation = (port: number, call: Vcr) =>
  Effect.map(
    validate(
      { call, nodeId: CALLER, domain: "a.example", waitBetweenMs: [0, 0], windowMs: TV_MS_MAX },
      {
        lookUp: () => Effect.succeed([{ nodeId: OWNER, vservice: vserviceId(7n) }]),
        resolve: () => Effect.succeed({ host: "b.example", port }),
      },
    ),
    ([verdict]) => {
      if (verdict?.verdict !== "validated")
        throw new Error(`the validation failed: ${verdict?.method} ${verdict?.verdict}`);
    },
  );

export const contests = async (): Promise<ReadonlyArray<Contest>> => {
  const network = memoryLayer({ seed: 1, delayMs: [0, 0] });
  const runtime = ManagedRuntime.make(Layer.mergeAll(network, arithmeticLayer, Logger.layer([])));
  openHere(BITS);
  const { port } = await runtime.runPromise(Effect.flatMap(Scope.make(), (open) => Scope.provide(served, open)));
  const some = Effect.forEach(calls(sentCall), (call) => validation(port, call), {
    concurrency: "unbounded",
    discard: true,
  });
  const rate = (seconds: number) =>
    handshakes(() => runtime.runPromise(some), seconds).then((batches) => batches * AT_ONCE);
  await rate(WARM_SECONDS);
  return [
    {
      name: "pvp: whole validation, streams",
      unit: "1/s",
      peerName: "OpenSSL's handshakes",
      rounds: 5,
      ours: () => rate(ROUND_SECONDS),
      peer: byOpenssl(opensslProgram()),
    },
  ];
};
