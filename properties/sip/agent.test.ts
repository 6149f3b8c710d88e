/** Two domains call each other: over SIP when they may, over the telephone network whenever anything is amiss. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, type Scope } from "effect";
import { sendInvite } from "../../actors/sip/mod.ts";
import { memoryLayer, type Ports, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { twoDomains } from "./domains.ts";

const BOB = "+49305550001";
const ALICE = "+14085550001";
const call = { calling: ALICE, called: BOB, talkMs: 300 };

type Program = Effect.Effect<void, unknown, Ports | Scope.Scope>;
const inMemory = (name: string, program: Program, options: Partial<Parameters<typeof memoryLayer>[0]> = {}) =>
  test(`memory: ${name}`, () =>
    runVirtual(program.pipe(Effect.scoped, Effect.provide(memoryLayer({ seed: 11, delayMs: [1, 20], ...options })))));
const onSockets = (name: string, program: Program) =>
  test(`sockets: ${name}`, () =>
    Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(nodeLayer({ seed: 11 })))));
const both = (name: string, program: Program) => {
  inMemory(name, program);
  onSockets(name, program);
};

both(
  "a call with a ticket goes over SIP, and who calls hangs up",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    yield* nord.teach(acme, BOB);
    const outcome = yield* acme.agent.placeCall(call);
    same(outcome.via, "sip");
    same(nord.agent.answered(), 1);
    same(yield* nord.border.counters, { admitted: 1, refused: {}, forwarded: 1, failed: 0 });
    same(yield* acme.border.counters, { admitted: 0, refused: {}, forwarded: 1, failed: 0 });
    same([acme.vcrs, nord.vcrs], [[], []]); // a call over SIP leaves no record to validate
  }),
);
