/** Validation between whole servers, in memory and on virtual time: the owner, thieves, guessers, floods and garbage. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Exit, Layer, Logger, type Scope } from "effect";
import { type Arithmetic, Dialer, type Entropy, Listener } from "../../actors/ports/mod.ts";
import { tlsSrpClient } from "../../actors/tls/mod.ts";
import {
  type PvpGrant,
  type PvpHandlers,
  type ServePvpOptions,
  servePvp,
  validate,
} from "../../actors/validation/mod.ts";
import { e164, hexOf, nodeIdFrom, unixMs, utf8, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { printUserName } from "../../codecs/validation/mod.ts";
import {
  type CallStore,
  callFacts,
  callStore,
  failCall,
  GATE_MS_MAX,
  insertCall,
  ROUND_MS,
  reputationLimits,
  TV_MS_MAX,
  tryableFor,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { nodeIds } from "../kit/node-ids.ts";
import { receivedCall as got, HOUR_MS, sentCall as sent } from "./arbitrary.ts";

type World = Arithmetic | Dialer | Entropy | Listener | Scope.Scope;
const world = Layer.mergeAll(memoryLayer({ seed: 5, delayMs: [1, 20] }), arithmeticLayer, Logger.layer([]));
const virtually = <E>(name: string, body: Effect.Effect<unknown, E, World>) =>
  test(`validation: ${name}`, async () => {
    await runVirtual(Effect.scoped(Effect.provide(body, world)));
  });

const HOST = "vipr.test";
const valInfo = {
  number: sent.called,
  ticket: "dGlja2V0",
  routes: [{ sipUris: ["sip:x@b.example:5061;transport=tls"] }],
};

interface Site {
  readonly host: string;
  readonly port: number;
  readonly store: CallStore;
  readonly granted: Array<string>;
  readonly counters: Effect.Effect<Record<string, number>>;
}

const serve = Effect.fnUntraced(function* (
  ownNode: bigint,
  calls: ReadonlyArray<Vcr>,
  options: Partial<ServePvpOptions> & { readonly grant?: PvpHandlers["grant"] } = {},
) {
  const nodeIds = options.nodeIds ?? [nodeIdFrom(ownNode)];
  const store = callStore(nodeIds);
  for (const call of calls) insertCall(store, call, unixMs(HOUR_MS));
  const granted: Array<string> = [];
  const { grant, ...rest } = options;
  const handlers: PvpHandlers = {
    candidates: (name) => Effect.sync(() => tryableFor(store, name)),
    failed: ({ id }, method) => Effect.sync(() => void failCall(store, id, method)),
    grant:
      grant ??
      (({ number, domain, vservice }) =>
        Effect.sync((): PvpGrant => {
          granted.push(`${number} ${domain} ${vservice}`);
          return { type: "granted", valInfo };
        })),
  };
  const serving = yield* servePvp({ host: HOST, port: 0, nodeIds, ...rest }, handlers);
  return { ...serving, store, granted, counters: serving.counters as Effect.Effect<any> } satisfies Site as Site;
});

/** A failure is counted when its peer has seen the end. */
const counting = Effect.sleep(1_000);

/** Validates a call of ours with all claimants of its number. */
const tryAll = (sites: ReadonlyMap<bigint, Site>, call: Vcr = sent, vservice = vserviceId(7n)) =>
  validate(
    { call, nodeId: nodeIdFrom(1n), domain: "a.example", waitBetweenMs: [30_000, 60_000], windowMs: TV_MS_MAX },
    {
      lookUp: () => Effect.succeed([...sites.keys()].map((id) => ({ nodeId: nodeIdFrom(id), vservice }))),
      resolve: (nodeId) => {
        const site = sites.get(nodeId)!;
        return Effect.succeed({ host: site.host, port: site.port });
      },
    },
  );
const outcomes = (verdicts: ReadonlyArray<{ readonly verdict: string; readonly method: string }>) =>
  verdicts.map(({ verdict, method }) => `${verdict} ${method}`);

// ViPR overview §4, §5.1
virtually(
  "the owner validates by A, a thief is refused by A and B, who is not there is unreachable",
  Effect.gen(function* () {
    const owner = yield* serve(2n, [got]);
    const thief = yield* serve(3n, []);
    const nobody = { ...thief, port: 1 };
    const verdicts = yield* tryAll(
      new Map([
        [2n, owner],
        [3n, thief],
        [4n, nobody],
      ]),
    );
    same(outcomes(verdicts), ["validated A", "refused B", "unreachable A"]);
    same(owner.granted, ["+14085555432 a.example 7"]);
    ok(verdicts[0]!.verdict === "validated" && hexOf(utf8(verdicts[0]!.info.ticket)) === hexOf(utf8(valInfo.ticket)));
    ok(verdicts[0]!.bits > 8);
    const counted = yield* thief.counters;
    same([counted.validated, counted.simulated], [0, 2]);
  }),
);

virtually(
  "claimants that lead our streams to the owner of another number get no handshake there, and cost our address nothing",
  Effect.gen(function* () {
    const owner = yield* serve(2n, [got], { reputation: { ...reputationLimits, slowFrom: 1, refuseFrom: 1 } });
    const ledAstray = new Map([2n, 90n, 91n, 92n].map((nodeId) => [nodeId, owner] as const));
    for (let i = 0; i < 4; i++) {
      const verdicts = yield* tryAll(ledAstray);
      same(outcomes(verdicts), ["validated A", "unreachable A", "unreachable A", "unreachable A"]);
    }
    const { foreign, simulated, failed, slowed, barred } = yield* owner.counters;
    same([foreign, simulated, failed, slowed, barred], [12, 0, 0, 0, 0]);
    // By B the ClientHello contains an instant of the call: the claimant loses what it had proved, wherever it sent us.
    const byB = yield* tryAll(ledAstray, { ...sent, calling: undefined });
    same(outcomes(byB), ["validated B", "broken B", "broken B", "broken B"]);
  }),
);

virtually(
  "two nodes of one owner with one number stand at the gate together, and both prove the call, by A and by B",
  Effect.gen(function* () {
    const owner = yield* serve(2n, [got], { nodeIds: nodeIds(2n, 5n) });
    const both = new Map([2n, 5n].map((nodeId) => [nodeId, owner] as const));
    same(outcomes(yield* tryAll(both)), ["validated A", "validated A"]);
    same(outcomes(yield* tryAll(both, { ...sent, calling: undefined })), ["validated B", "validated B"]);
  }),
);

// docs/protocol/pvp.md
virtually(
  "a caller id that is missing or wrong on either side is made up for by B",
  Effect.gen(function* () {
    const owner = yield* serve(2n, [got]);
    for (const calling of [undefined, e164("+4999")])
      same(outcomes(yield* tryAll(new Map([[2n, owner]]), { ...sent, calling })), ["validated B"]);
    const blind = yield* serve(5n, [{ ...got, calling: undefined }]);
    same(outcomes(yield* tryAll(new Map([[5n, blind]]))), ["validated B"]);
    same((yield* owner.counters).failed, 0);
  }),
);

// docs/protocol/pvp.md
virtually(
  "clocks that differ by T/4 or more do not validate, and that is all that happens",
  Effect.gen(function* () {
    const owner = yield* serve(2n, [{ ...got, startMs: unixMs(HOUR_MS + 414_000) }]);
    same(outcomes(yield* tryAll(new Map([[2n, owner]]))), ["refused B"]);
    yield* counting;
    same((yield* owner.counters).failed, 2);
  }),
);

/** A port that passes everything on to a server and back, and what has passed. */
const relayTo = Effect.fnUntraced(function* (to: Site) {
  const { listen } = yield* Listener;
  const { dial } = yield* Dialer;
  const passed: Array<Uint8Array> = [];
  const { port } = yield* listen({ host: HOST, port: 0 }, (near) =>
    Effect.scoped(
      Effect.gen(function* () {
        const far = yield* dial({ host: to.host, port: to.port });
        const pump = (from: typeof near, into: typeof near) =>
          Effect.forever(
            Effect.flatMap(from.read, (bytes) => {
              passed.push(bytes);
              return into.write(bytes);
            }),
          );
        yield* Effect.race(pump(near, far), pump(far, near));
      }),
    ).pipe(Effect.ignore),
  );
  return { port, passed };
});

// ViPR overview §5.1; docs/protocol/pvp.md
virtually(
  "the grand chessmaster: who claims a number and relays every byte to its owner gets nothing",
  Effect.gen(function* () {
    const owner = yield* serve(2n, [got]);
    const { port, passed } = yield* relayTo(owner);
    // It is in the overlay under its own Node-ID, 3, and has no call of its own.
    const verdicts = yield* tryAll(new Map([[3n, { ...owner, port }]]));
    same(outcomes(verdicts), ["unreachable A"]);
    ok(Buffer.concat(passed).length > 100);
    const { validated, foreign } = yield* owner.counters;
    same([owner.granted, validated, foreign], [[], 0, 1]);
  }),
);

/** A stranger who speaks TLS-SRP and knows that there was a call, and not when. */
const guess = (site: Site, method: "A" | "B", password: string, originator = 9n) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { dial } = yield* Dialer;
      const parties = { originator: nodeIdFrom(originator), terminator: nodeIdFrom(2n), vservice: vserviceId(7n) };
      const name = userNameFor(
        method,
        callFacts(got),
        parties,
        unixMs((Math.round(callFacts(got).startMs / 1000) + 5) * 1000),
        ROUND_MS,
      );
      return yield* tlsSrpClient(yield* dial({ host: site.host, port: site.port }), {
        userName: printUserName(name),
        password,
      });
    }),
  ).pipe(Effect.exit);

// RFC 5054 §3.3
virtually(
  "a guesser has three tries at a call, one after the other or at once, and then not even the right password helps",
  Effect.gen(function* () {
    for (const isAtOnce of [false, true]) {
      const owner = yield* serve(2n, [got]);
      const tries = Array.from({ length: 8 }, (_, i) => guess(owner, "B", `guess ${i}`, BigInt(100 + i)));
      yield* Effect.all(tries, isAtOnce ? { concurrency: 8 } : {});
      yield* counting;
      const counted = yield* owner.counters;
      ok(counted.failed! <= 3, `${counted.failed} guesses were counted against a limit of 3`);
      same(counted.failed! + counted.simulated!, 8);
      for (let i = counted.failed!; i < 3; i++) yield* guess(owner, "B", "again");
      same(outcomes(yield* tryAll(new Map([[2n, owner]]), { ...sent, calling: undefined })), ["refused B"]);
      same(owner.granted, []);
    }
  }),
);

virtually(
  "a peer that locks a call by failing at it prevents its validation, and the next call to the same number validates",
  Effect.gen(function* () {
    const HOUR = 3_600_000;
    const later = (vcr: Vcr): Vcr => ({
      ...vcr,
      startMs: unixMs(vcr.startMs + HOUR),
      stopMs: unixMs(vcr.stopMs + HOUR),
    });
    const owner = yield* serve(2n, [got, later(got)]);
    for (let i = 0; i < 5; i++) yield* guess(owner, "B", `spite ${i}`);
    const sites = new Map([[2n, owner]]);
    same(outcomes(yield* tryAll(sites)), ["refused B"]);
    same(outcomes(yield* tryAll(sites, later(sent))), ["validated B"]);
  }),
);

virtually(
  "a call that was never made, a locked one and a wrong password look the same from outside",
  Effect.gen(function* () {
    const why = (exit: Exit.Exit<unknown, { readonly why: string } | object>) =>
      Exit.isFailure(exit) ? JSON.stringify(exit.cause).replace(/[0-9]{6,}/g, "") : "in";
    const [owner, stranger] = [yield* serve(2n, [got]), yield* serve(2n, [])];
    const wrong = why(yield* guess(owner, "A", "x"));
    same(why(yield* guess(stranger, "A", "x")), wrong);
    for (let i = 0; i < 4; i++) yield* guess(owner, "A", "x");
    same(why(yield* guess(owner, "A", "x")), wrong);
  }),
);

virtually(
  "peers that fail often are slowed, then not looked up, and others are served all the while",
  Effect.gen(function* () {
    const reputation = { slowFrom: 2, refuseFrom: 4, windowMs: 600_000 };
    const owner = yield* serve(2n, [got], { reputation });
    for (let i = 0; i < 8; i++) yield* guess(owner, "A", "x", 77n);
    const counted = yield* owner.counters;
    same([counted.slowed, counted.barred], [2, 4]);
    same(outcomes(yield* tryAll(new Map([[2n, owner]]))), ["validated B"]); // three failures by A have locked A
    const other = yield* serve(4n, [got], { reputation });
    same(outcomes(yield* tryAll(new Map([[4n, other]]))), ["validated A"]);
  }),
);

virtually(
  "a domain that is not welcome is declined after its proof, by code 403",
  Effect.gen(function* () {
    const owner = yield* serve(2n, [got], { grant: () => Effect.succeed({ type: "refused", code: 403 }) });
    const [verdict] = yield* tryAll(new Map([[2n, owner]]));
    ok(verdict?.verdict === "declined" && verdict.code === 403);
    same((yield* owner.counters).declined, 1);
  }),
);

virtually(
  "two calls that A cannot distinguish are distinguished by B; two at one instant by neither",
  Effect.gen(function* () {
    const later = { ...got, startMs: unixMs(HOUR_MS + 4_000_000), stopMs: unixMs(HOUR_MS + 4_100_000) };
    same(outcomes(yield* tryAll(new Map([[2n, yield* serve(2n, [got, later])]]))), ["validated B"]);
    same(outcomes(yield* tryAll(new Map([[2n, yield* serve(2n, [got, { ...got, calling: e164("+31") }])]]))), [
      "validated A",
    ]);
    const others = [
      { ...got, calling: e164("+31") },
      { ...got, calling: e164("+32") },
    ];
    same(outcomes(yield* tryAll(new Map([[2n, yield* serve(2n, others)]]))), ["refused B"]);
  }),
);

virtually(
  "garbage, silence and a break at any point end the stream and nothing else",
  Effect.gen(function* () {
    const owner = yield* serve(2n, [got]);
    const { dial } = yield* Dialer;
    for (const bytes of [utf8("GET / HTTP/1.0\r\n\r\n"), new Uint8Array(100_000), Uint8Array.of(22, 3, 3)]) {
      const stream = yield* dial({ host: owner.host, port: owner.port });
      yield* Effect.ignore(stream.write(bytes));
      let isClosed = false;
      while (!isClosed) isClosed = Exit.isFailure(yield* Effect.exit(stream.read)); // an alert may come before
    }
    yield* Effect.sleep(1_000);
    const counted = yield* owner.counters;
    same([counted.streams, counted.malformed, counted.failed], [3, 3, 0]);
    same(outcomes(yield* tryAll(new Map([[2n, owner]]))), ["validated A"]);
  }),
);

virtually(
  "nobody claims the number: nothing to report; the overlay fails: that is reported",
  Effect.gen(function* () {
    same(yield* tryAll(new Map()), []);
    const failed = validate(
      { call: sent, nodeId: nodeIdFrom(1n), domain: "a.example", waitBetweenMs: [0, 0] },
      { lookUp: () => Effect.fail({ why: "overlay down" }), resolve: () => Effect.die("not asked") },
    );
    same((yield* Effect.flip(failed)).why, "overlay down");
  }),
);

// docs/protocol/pvp.md
virtually(
  "servers that accept and never speak cost the gate's time and are out of the call: the owner is validated then",
  Effect.gen(function* () {
    const { listen } = yield* Listener;
    const owner = yield* serve(2n, [got]);
    const mute = yield* listen({ host: HOST, port: 0 }, () => Effect.never);
    const thieves = Array.from({ length: 30 }, (_, i) => BigInt(100 + i));
    const told: Array<string> = [];
    let beganMs = 0;
    const verdicts = yield* validate(
      { call: sent, nodeId: nodeIdFrom(1n), domain: "a.example", waitBetweenMs: [0, 0] },
      {
        lookUp: () =>
          Effect.map(Clock.currentTimeMillis, (nowMs) => {
            beganMs = nowMs;
            return [...thieves, 2n].map((id) => ({ nodeId: nodeIdFrom(id), vservice: vserviceId(7n) }));
          }),
        resolve: (nodeId) => Effect.succeed({ host: HOST, port: nodeId === 2n ? owner.port : mute.port }),
        settled: ({ verdict }) =>
          Effect.map(Clock.currentTimeMillis, (nowMs) => {
            told.push(
              `${verdict} ${nowMs - beganMs < GATE_MS_MAX ? "early" : nowMs - beganMs < GATE_MS_MAX + 1_000 ? "then" : "late"}`,
            );
          }),
      },
    );
    same(told, [...thieves.map(() => "unreachable then"), "validated then"]);
    same(outcomes(verdicts).at(-1), "validated A"); // in the order in which they were found
  }),
);

virtually(
  "a private domain's call is proved by C, and neither its number nor its caller crosses the wire before that",
  Effect.gen(function* () {
    const owner = yield* serve(2n, [got]);
    const { port, passed } = yield* relayTo(owner);
    const verdicts = yield* validate(
      { call: sent, nodeId: nodeIdFrom(1n), domain: "a.example", waitBetweenMs: [0, 0], isPrivate: true },
      {
        lookUp: () => Effect.succeed([{ nodeId: nodeIdFrom(2n), vservice: vserviceId(7n) }]),
        resolve: () => Effect.succeed({ host: HOST, port }),
      },
    );
    same(outcomes(verdicts), ["validated C"]);
    const text = Buffer.concat(passed).toString("latin1");
    ok(text.includes("vipr1;C;"));
    for (const secret of [sent.called, sent.calling!, sent.called.slice(1)]) ok(!text.includes(secret));
  }),
);
