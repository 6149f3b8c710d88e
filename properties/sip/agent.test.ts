/** Two domains call each other: over SIP when they may, over the telephone network whenever anything is amiss. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, type Scope } from "effect";
import { e164, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { memoryLayer, type Ports, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { type Domain, twoDomains } from "./domains.ts";

const BOB = e164("+49305550001");
const ALICE = e164("+14085550001");
const call = { calling: ALICE, called: BOB, talkMs: 300 };

type Program = Effect.Effect<void, unknown, Ports | Scope.Scope>;
type MemoryOptions = Omit<Parameters<typeof memoryLayer>[0], "seed">;
const inMemory = (name: string, program: Program, options: MemoryOptions = { delayMs: [1, 20] }) =>
  test(`memory: ${name}`, () =>
    runVirtual(program.pipe(Effect.scoped, Effect.provide(memoryLayer({ seed: 11, ...options })))));
const both = (name: string, program: Program) => {
  inMemory(name, program);
  test(`sockets: ${name}`, () =>
    Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(nodeLayer({ seed: 11 })))));
};

/** So long after the call's outcome, nothing of it is left anywhere. */
const settled = (domains: ReadonlyArray<Domain>) =>
  Effect.gen(function* () {
    yield* Effect.sleep(200_000);
    for (const { agent, border } of domains) same([agent.underWay(), border.counters().underWay], [0, 0]);
  });

// ViPR overview §4
both(
  "a call with a ticket goes over SIP, and who calls hangs up",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    yield* nord.teach(acme, BOB);
    const outcome = yield* acme.agent.placeCall(call);
    ok(outcome.via === "sip" && outcome.hungUpBy === "us");
    yield* Effect.sleep(5);
    same([nord.agent.answered(), nord.agent.underWay(), acme.agent.underWay()], [1, 0, 0]);
    const figures = ({ border }: Domain) => {
      const { admitted, forwarded, failed, underWay, refused } = border.counters();
      return { admitted, forwarded, failed, underWay, refused };
    };
    same(figures(nord), { admitted: 1, refused: {}, forwarded: 0, failed: 0, underWay: 0 });
    same(figures(acme), { admitted: 0, refused: {}, forwarded: 1, failed: 0, underWay: 0 });
    same([acme.vcrs, nord.vcrs], [[], []]); // a call over SIP leaves no record to validate
  }),
);

both(
  "the called side may hang up: its BYE finds the way back",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains({}, { agent: { answeredMsMax: 100 } });
    yield* nord.teach(acme, BOB);
    const outcome = yield* acme.agent.placeCall({ ...call, talkMs: 60_000 });
    ok(outcome.via === "sip" && outcome.hungUpBy === "them");
  }),
);

both(
  "without a route the call takes the telephone network, and both ends tell of it",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    const startMs = 1_301_900_000_000;
    const outcome = yield* acme.agent.placeCall({ ...call, startMs: unixMs(startMs), durationMs: 95_000 });
    yield* Effect.sleep(50);
    ok(outcome.via === "pstn" && outcome.fellBack === undefined);
    same([acme.vcrs.length, nord.vcrs.length], [1, 1]);
    const [sent, received] = [acme.vcrs[0]!, nord.vcrs[0]!];
    same([sent.direction, received.direction], ["sent", "received"]);
    same([sent.calling, received.calling, sent.called, received.called], [ALICE, ALICE, BOB, BOB]);
    // Far enough apart to need rounding, and near enough for PVP's T/4.
    for (const end of ["startMs", "stopMs"] as const) {
      const apart = Math.abs(sent[end] - received[end]) / 1000;
      ok(apart > 0 && apart < 2.5, `${end}: ${apart} s apart`);
    }
    ok(Math.abs(sent.stopMs - sent.startMs - 95_000) < 500);
  }),
);

inMemory(
  "a ticket for another domain brings silence; after two seconds the telephone network takes the call",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    yield* nord.teach(acme, BOB, "sakura.example");
    const before = yield* Clock.currentTimeMillis;
    const outcome = yield* acme.agent.placeCall(call);
    ok(outcome.via === "pstn" && outcome.fellBack === "no answer to the attempt");
    const tookMs = (yield* Clock.currentTimeMillis) - before;
    ok(tookMs >= 2_000 && tookMs < 2_200, `${tookMs} ms`);
    same(nord.border.counters().refused, { wrongDomain: 1 });
    same([nord.agent.answered(), acme.vcrs.length, nord.vcrs.length], [0, 1, 1]);
    yield* settled([acme, nord]);
  }),
);

inMemory(
  "a voided epoch's tickets are refused, with an answer where the operator wants one",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains({}, { border: { onReject: "403" } });
    yield* nord.teach(acme, BOB);
    yield* nord.border.tickets.voidEpoch(1);
    const outcome = yield* acme.agent.placeCall(call);
    ok(outcome.via === "pstn" && outcome.fellBack === "refused 403");
    same(nord.border.counters().refused, { unknownEpoch: 1 });
  }),
);

inMemory(
  "an epoch raised and not voided keeps the old tickets good",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    yield* nord.teach(acme, BOB);
    const secret = { epoch: 2, password: "battery staple" };
    yield* nord.border.tickets.accept(secret);
    yield* nord.issuer.raise(secret);
    same((yield* acme.agent.placeCall(call)).via, "sip");
    yield* nord.teach(acme, BOB);
    yield* nord.border.tickets.voidEpoch(1);
    same((yield* acme.agent.placeCall(call)).via, "sip");
  }),
);

// ViPR overview §4
test("memory: when the other domain cannot be reached the telephone network takes the call at once", () => {
  const isDown = { now: false };
  const program = Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    yield* nord.teach(acme, BOB);
    isDown.now = true;
    const before = yield* Clock.currentTimeMillis;
    const outcome = yield* acme.agent.placeCall(call);
    ok(outcome.via === "pstn" && outcome.fellBack === "refused 503");
    ok((yield* Clock.currentTimeMillis) - before < 500);
    const { failed, underWay } = acme.border.counters();
    same([failed, underWay], [1, 0]);
    isDown.now = false;
    same((yield* acme.agent.placeCall(call)).via, "sip");
  });
  const reachable = ({ tls }: { readonly tls?: unknown }) => !(isDown.now && tls !== undefined);
  return runVirtual(program.pipe(Effect.scoped, Effect.provide(memoryLayer({ seed: 3, reachable }))));
});

// docs/protocol/sip.md
inMemory(
  "a route whose address belongs to another domain is not taken, whatever its name says",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    const { port } = acme.border.outside; // acme's certificate, nord's name
    const uris = [`sip:x@nord.example:${port};maddr=127.0.0.1;transport=tls`];
    const ticket = yield* nord.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) });
    yield* acme.routes.learn({ number: BOB, ticket, routes: [{ sipUris: uris }] });
    const outcome = yield* acme.agent.placeCall(call);
    ok(outcome.via === "pstn" && outcome.fellBack === "refused 503");
  }),
);

inMemory(
  "a route that is not over TLS is not taken; the next one is",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    const { port } = nord.border.outside;
    const uri = `sip:x@nord.example:${port};maddr=127.0.0.1`;
    const ticket = yield* nord.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) });
    const uris = [`${uri};transport=tcp`, `${uri};transport=tls`];
    yield* acme.routes.learn({ number: BOB, ticket, routes: [{ sipUris: uris }] });
    const outcome = yield* acme.agent.placeCall(call);
    ok(outcome.via === "sip" && outcome.uri === uris[1]);
  }),
);

inMemory(
  "an expired route is not tried",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains({}, { ticketLifetimeMs: 3_600_000 });
    yield* nord.teach(acme, BOB);
    yield* Effect.sleep(3_600_001);
    same((yield* acme.agent.placeCall(call)).via, "pstn");
    same(nord.border.counters().admitted, 0);
  }),
);

inMemory(
  "a number that the called agent does not serve falls back",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    yield* nord.teach(acme, e164("+442079460000"));
    const outcome = yield* acme.agent.placeCall({ ...call, called: e164("+442079460000") });
    ok(outcome.via === "pstn" && outcome.fellBack === "refused 404");
    yield* settled([acme, nord]);
  }),
);

inMemory(
  "a telephone that nobody answers: the invitation is cancelled, hop by hop, and the network takes the call",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains({ agent: { ringMs: 5_000 } }, { agent: { answerMs: 40_000 } });
    yield* nord.teach(acme, BOB);
    const outcome = yield* acme.agent.placeCall(call);
    ok(outcome.via === "pstn" && outcome.fellBack === "rang too long");
    yield* Effect.sleep(1_000);
    same([nord.agent.underWay(), nord.agent.answered()], [0, 0]); // long before its telephone would be answered
    yield* settled([acme, nord]);
  }),
);

inMemory(
  "an answer that comes after the fallback is acknowledged and hung up",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    yield* nord.teach(acme, BOB);
    const outcome = yield* acme.agent.placeCall(call);
    ok(outcome.via === "pstn" && outcome.fellBack === "no answer to the attempt");
    yield* Effect.sleep(30_000);
    same([acme.agent.underWay(), nord.agent.underWay()], [0, 0]);
    same(nord.agent.answered(), 1); // it was too late
  }),
  { delayMs: [1_200, 1_300] },
);

// RFC 3261 §18, §18.1.1
test("memory: forty calls at once share one stream between the border elements, and one to each from its call agent", () => {
  const dials: Array<number> = [];
  const program = Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    yield* nord.teach(acme, BOB);
    const outcomes = yield* Effect.all(
      Array.from({ length: 40 }, () => acme.agent.placeCall(call)),
      { concurrency: "unbounded" },
    );
    ok(outcomes.every(({ via }) => via === "sip"));
    const inside = dials.length - dials.filter((port) => port === nord.border.outside.port).length;
    same([dials.filter((port) => port === nord.border.outside.port).length, inside], [1, 2]);
    same((yield* acme.agent.placeCall({ ...call, talkMs: 400_000 })).via, "sip");
    yield* Effect.sleep(5);
    same([acme.agent.underWay(), nord.agent.underWay()], [0, 0]);
  });
  const reachable = ({ port }: { readonly port: number }) => dials.push(port) > 0;
  return runVirtual(program.pipe(Effect.scoped, Effect.provide(memoryLayer({ seed: 5, delayMs: [1, 9], reachable }))));
});

inMemory(
  "calls to and from numbers outside both domains are carried and told by the end that is ours",
  Effect.gen(function* () {
    const { acme, nord, network } = yield* twoDomains();
    const out = yield* acme.agent.placeCall({ ...call, called: e164("+12127360000") });
    same(out.via, "pstn");
    yield* network.place(
      { calling: e164("+12127360000"), called: BOB, startMs: unixMs(0), durationMs: 1_000 },
      () => Effect.void,
    );
    yield* Effect.sleep(1_000);
    same([acme.vcrs.length, nord.vcrs.length], [1, 1]);
    same(nord.vcrs[0]!.direction, "received");
  }),
);
