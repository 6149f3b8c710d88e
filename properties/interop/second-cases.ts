/**
 * Validations with the Python implementation of `second/`, either way round, on whichever runtime runs this file: it proves
 * calls to our terminator, and answers `vipr verify-call`. Each case opens what it needs and shares nothing with another.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Logger } from "effect";
import { Listener } from "../../actors/ports/mod.ts";
import { type HandshakeFailed, tlsSrpServer } from "../../actors/tls/mod.ts";
import { nameCall, type PvpGrant, servePvp, validate } from "../../actors/validation/mod.ts";
import {
  type E164,
  e164,
  nodeIdFrom,
  ntpMs,
  ntpMsOf,
  unixMs,
  unixMsOf,
  type Vcr,
  type VServiceId,
  vserviceId,
} from "../../codecs/shared/mod.ts";
import type { PvpGroupBits } from "../../codecs/validation/mod.ts";
import {
  ATTEMPTS_MAX,
  type CallFacts,
  callStore,
  failCall,
  insertCall,
  ROUND_MS,
  tryableFor,
} from "../../machines/validation/mod.ts";
import { start } from "../cli/processes.ts";
import { ended, HOST, peer, until } from "./peers.ts";
import type { World } from "./tls-srp-matrix.ts";

export const SECOND = new URL("second/second.py", import.meta.url).pathname;

const [ORIGINATOR, TERMINATOR, VSERVICE] = [
  "000000000000000000000000000000ab",
  "00000000000000000000000000abcdef",
  "0000000000000007",
];
const parties = ["--node", ORIGINATOR, "--peer-node", TERMINATOR, "--vservice", VSERVICE];
const call: CallFacts = {
  called: e164("+14085555432"),
  calling: e164("+33123456789"),
  startMs: unixMsOf(ntpMs(3_976_214_403_250)),
  stopMs: unixMsOf(ntpMs(3_976_214_526_800)),
};
const withheld: CallFacts = { ...call, calling: undefined };
const otherNumber: CallFacts = { ...call, called: e164("+14085555433") };

/** The same call by clocks that differ so, its start later and its stop earlier. */
const shifted = (of: CallFacts, ms: number): CallFacts => ({
  ...of,
  startMs: unixMs(of.startMs + ms),
  stopMs: unixMs(of.stopMs - ms),
});
const WITHIN_MS = ROUND_MS / 4 - 100;
const BEYOND_MS = (3 * ROUND_MS) / 4 + 100;

const TICKET = "dGlja2V0";
const URIS = ["sip:x7kq@called.example:5061;transport=tls", "sip:x7kq@called.example:5061?a=1&b=2"];

/** A call as the Python side and `vipr verify-call` read it. */
export const written = ({ called, calling, startMs, stopMs }: CallFacts) => ({
  called,
  ...(calling === undefined ? {} : { calling }),
  start: ntpMsOf(startMs) / 1_000,
  stop: ntpMsOf(stopMs) / 1_000,
});

export const receivedOf = ({ called, calling, startMs, stopMs }: CallFacts, vservice: VServiceId): Vcr => ({
  direction: "received",
  called,
  calling,
  startMs,
  stopMs,
  vservice,
});

export interface Case {
  readonly name: string;
  readonly body: Effect.Effect<void, unknown, World>;
}

// What it proves to us

/** Runs `second.py` to its end, with `input` where it reads a file; gives what it said, an object a line. */
export const runSecond = Effect.fnUntraced(function* (words: ReadonlyArray<string>, input: unknown) {
  const { child, said } = yield* peer("python3", [SECOND, ...words]);
  child.stdin.end(JSON.stringify(input));
  same(yield* ended(child), 0, said.text);
  return linesOf(said.text);
});
const linesOf = (text: string): ReadonlyArray<any> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

/** Its verdict on one call. */
const prove = (of: CallFacts, port: number, ...words: ReadonlyArray<string>) =>
  Effect.map(
    Effect.scoped(runSecond(["prove", "--vcr", "-", ...parties, "--peer", `${HOST}:${port}`, ...words], written(of))),
    ([verdict]) => verdict,
  );

const infoOf = (number: E164) => ({ number, ticket: TICKET, routes: URIS.map((uri) => ({ sipUris: [uri] })) });

/** A terminator of ours that received these calls. */
const serve = Effect.fnUntraced(function* (
  received: ReadonlyArray<CallFacts>,
  { grant, group = 2048 }: { readonly grant?: PvpGrant | undefined; readonly group?: PvpGroupBits } = {},
) {
  const node = nodeIdFrom(BigInt(`0x${TERMINATOR}`));
  const store = callStore([node]);
  for (const one of received) insertCall(store, receivedOf(one, vserviceId(BigInt(`0x${VSERVICE}`))), unixMs(0));
  return yield* servePvp(
    { host: HOST, port: 0, nodeIds: [node], group },
    {
      candidates: (name) => Effect.sync(() => tryableFor(store, name)),
      failed: ({ id }, method) => Effect.sync(() => void failCall(store, id, method)),
      grant: ({ number }) => Effect.succeed(grant ?? { type: "granted", valInfo: infoOf(number) }),
    },
  );
});

const validated = (method: string, suite = "c01d", group = 2048) => ({
  method,
  suite,
  group,
  verdict: "validated",
  ticket: TICKET,
  route: URIS,
  end: "close_notify",
});
const declined = (code: number) => ({
  method: "A",
  suite: "c01d",
  group: 2048,
  verdict: "declined",
  code,
  end: "close_notify",
});
const refused = (method: string) => ({ method, verdict: "refused", alert: 20, by: "peer" });

/** One call of ours as it was received, one proof, and what it must come to. */
const proves = (
  name: string,
  expected: unknown,
  { received = call, sent = call, words = [] as ReadonlyArray<string>, grant = undefined as PvpGrant | undefined } = {},
): Case => ({
  name,
  body: Effect.gen(function* () {
    const { port } = yield* serve([received], { grant });
    same(yield* prove(sent, port, ...words), expected);
  }),
});

/** Three wrong passwords by A, from a start that is a minute off: then the right one comes too late, and B is still open. */
const provesToALock: Case = {
  name: "locked",
  body: Effect.gen(function* () {
    const { port, counters } = yield* serve([call]);
    const wrong = { ...call, startMs: unixMs(call.startMs - 60_000) };
    same((yield* prove(call, port)).verdict, "validated");
    for (let i = 0; i < ATTEMPTS_MAX; i++) same(yield* prove(wrong, port, "--method", "A"), refused("A"));
    same(yield* prove(call, port, "--method", "A"), refused("A"));
    same(yield* prove(call, port), validated("B"));
    const counted = yield* counters;
    same([counted.validated, counted.failed, counted.simulated], [2, ATTEMPTS_MAX, 2]);
  }),
};

/** Led to the wrong server by who claims the number: no handshake, and no failure there. */
const provesToAnother: Case = {
  name: "another's node",
  body: Effect.gen(function* () {
    const { port, counters } = yield* serve([call]);
    same((yield* prove(call, port, "--peer-node", ORIGINATOR)).verdict, "broken");
    const { foreign, simulated } = yield* counters;
    same([foreign, simulated], [1, 0]);
  }),
};

/** A terminator in a group that is too small for any of ours: our TLS alone, as `servePvp` takes no such group. */
const serveWeakly = Effect.gen(function* () {
  const { listen } = yield* Listener;
  const failures: Array<HandshakeFailed> = [];
  const lookUp = () => Effect.succeed(undefined);
  const handle = (below: Parameters<typeof tlsSrpServer>[0]) =>
    tlsSrpServer(below, { group: 1024, lookUp, seedKey: new Uint8Array(32) }).pipe(
      Effect.catchTag("HandshakeFailed", (failure) => Effect.sync(() => void failures.push(failure))),
      Effect.ignore,
      Effect.scoped,
    );
  return { ...(yield* listen({ host: HOST, port: 0 }, handle)), failures };
});

const provesIn = (group: PvpGroupBits): Case => ({
  name: `group ${group}`,
  body: Effect.gen(function* () {
    const { port } = yield* serve([call], { group });
    same(yield* prove(call, port), validated("A", "c01d", group));
  }),
});

/** Its alert reaches us, as ours reach it. */
const provesToAWeakGroup: Case = {
  name: "group 1024",
  body: Effect.gen(function* () {
    const { port, failures } = yield* serveWeakly;
    same(yield* prove(call, port), { method: "A", verdict: "broken", alert: 71, by: "us" });
    yield* until("its alert", () => failures.length > 0, { text: "" });
    same(
      failures.map(({ outcome }) => outcome.type === "alerted" && outcome.alert),
      ["insufficientSecurity"],
    );
  }),
};

/** A call and two others, between the same two numbers and at the same time. */
const others: ReadonlyArray<CallFacts> = [20_000, 47_000].map((ms) => ({
  ...call,
  startMs: unixMs(call.startMs + ms),
  stopMs: unixMs(call.stopMs + 2 * ms),
}));

/** Names of version 2; three that are no call's lock all of them to A, and to A only. */
const provesAmongOthers: Case = {
  name: "among others",
  body: Effect.gen(function* () {
    const { port, counters } = yield* serve([call, ...others].map((of) => shifted(of, 1_000)));
    const all = [call, ...others];
    const proveOne = (of: CallFacts, ...words: ReadonlyArray<string>) => {
      const given = { ...written(of), others: all.filter((other) => other !== of).map(written) };
      const where = ["--peer", `${HOST}:${port}`];
      return Effect.scoped(runSecond(["prove", "--vcr", "-", ...parties, ...where, ...words], given));
    };
    same(yield* proveOne(call), [validated("A")]);
    same(yield* proveOne(others[0]!, "--method", "B"), [validated("B")]);
    const wrong = { ...call, startMs: unixMs(call.startMs - 60_000) };
    for (let i = 0; i < ATTEMPTS_MAX; i++) same(yield* proveOne(wrong, "--method", "A"), [refused("A")]);
    same(yield* proveOne(others[1]!), [validated("B")]);
    same((yield* counters).validated, 3);
  }),
};

export const proving: ReadonlyArray<Case> = [
  provesAmongOthers,
  proves("A", validated("A")),
  proves("A, then B", validated("B"), { received: { ...call, calling: e164("+4999") } }),
  proves("B", validated("B"), { received: withheld, sent: withheld }),
  proves("C", validated("C"), { words: ["--private"] }),
  proves("AES-256", validated("A", "c020"), { words: ["--suites", "c020"] }),
  proves("clock within", validated("A"), { received: shifted(call, WITHIN_MS) }),
  proves("clock before", validated("A"), { received: shifted(call, -WITHIN_MS) }),
  proves("clock beyond", refused("B"), { received: shifted(call, -BEYOND_MS) }),
  proves("unknown", refused("B"), { received: otherNumber }),
  proves("403", declined(403), { grant: { type: "refused", code: 403 } }),
  proves("404", declined(404), { words: ["--number", otherNumber.called] }),
  provesToALock,
  provesToAnother,
  provesIn(3072),
  provesIn(4096),
  provesToAWeakGroup,
];

// What it answers us

/** The Python terminator of one call; `lines` waits for so many connections to be told of. */
const answering = Effect.fnUntraced(function* (
  received: CallFacts | ReadonlyArray<CallFacts>,
  ...words: ReadonlyArray<string>
) {
  const { child, said } = yield* peer("python3", [SECOND, "answer", "--records", "-", ...words]);
  const records = [received].flat().map((of) => ({
    ...written(of),
    vservice: VSERVICE,
    ticket: TICKET,
    routes: URIS,
    refuses: ["spam.example"],
  }));
  child.stdin.end(JSON.stringify({ node: TERMINATOR, records }));
  yield* until("second.py listens", () => said.text.includes("\n"), said);
  const [{ port }] = linesOf(said.text);
  const lines = (count: number) =>
    Effect.map(
      until(`${count} connections`, () => said.text.split("\n").length > count + 1, said),
      () => linesOf(said.text).slice(1),
    );
  return { port: port as number, lines };
});

/** `vipr verify-call` on this runtime. */
const verifyCall = (of: CallFacts, port: number, ...words: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const peerWords = ["--peer", `${HOST}:${port}`, "--domain", "caller.example", ...words];
    const child = start(["verify-call", "--json", "--vcr", "-", ...parties, ...peerWords], JSON.stringify(written(of)));
    const code = await child.ended;
    ok(child.out() !== "", child.err());
    const { method, verdict, info } = JSON.parse(child.out());
    return { code, method, verdict, ...(info === undefined ? {} : { info }) };
  });

const isValidated = (method: string) => ({ code: 0, method, verdict: "validated", info: infoOf(call.called) });
const isRefused = (method: string) => ({ code: 4, method, verdict: "refused" });

const facts = (method: string, suite = "c01d", group = 2048) => ({ method, simulated: null, suite, group });
const secured = (...of: Parameters<typeof facts>) => ({
  ...facts(...of),
  verdict: "validated",
  domain: "caller.example",
});
const failed = (method: string, simulated: string | null) => ({
  method,
  simulated,
  verdict: "failed",
  alert: 20,
  by: "us",
});

/** One call as Python received it, one `verify-call`, what it must say, and what Python must say of each connection. */
const answers = (
  name: string,
  ours: unknown,
  theirs: ReadonlyArray<unknown>,
  { received = call, sent = call, words = [] as ReadonlyArray<string>, peerWords = [] as ReadonlyArray<string> } = {},
): Case => ({
  name,
  body: Effect.gen(function* () {
    const { port, lines } = yield* answering(received, ...peerWords);
    same(yield* verifyCall(sent, port, ...words), ours);
    same(yield* lines(theirs.length), theirs);
  }),
});

const answersWithALock: Case = {
  name: "locked",
  body: Effect.gen(function* () {
    const { port, lines } = yield* answering(call);
    // Within the same minutes, so that C finds the call, and more than 3T/4 away, so that its password is another.
    const wrong = { ...call, startMs: unixMs(call.startMs + BEYOND_MS) };
    for (let i = 0; i < ATTEMPTS_MAX; i++) same(yield* verifyCall(wrong, port, "--private"), isRefused("C"));
    same(yield* verifyCall(call, port, "--private"), isRefused("C"));
    const wrongOnes = Array.from({ length: ATTEMPTS_MAX }, () => failed("C", null));
    same(yield* verifyCall(call, port), isValidated("A"));
    same(yield* lines(ATTEMPTS_MAX + 2), [...wrongOnes, failed("C", "locked"), secured("A")]);
  }),
};

/** Our originator, which knows of two more calls, to Python, which received all three. */
const answersAmongOthers: Case = {
  name: "among others",
  body: Effect.gen(function* () {
    const all = [call, ...others];
    const { port, lines } = yield* answering(all.map((of) => shifted(of, -1_000)));
    const [nodeId, claim] = [
      nodeIdFrom(BigInt(`0x${ORIGINATOR}`)),
      { nodeId: nodeIdFrom(BigInt(`0x${TERMINATOR}`)), vservice: vserviceId(BigInt(`0x${VSERVICE}`)) },
    ];
    for (const one of all) {
      const naming = yield* nameCall({ call: one, others: all.filter((of) => of !== one), roundMs: ROUND_MS });
      const [verdict] = yield* validate(
        { call: one, nodeId, domain: "caller.example", waitBetweenMs: [0, 0], naming },
        { lookUp: () => Effect.succeed([claim]), resolve: () => Effect.succeed({ host: HOST, port }) },
      );
      same([verdict?.verdict, verdict?.method], ["validated", "A"]);
    }
    same(
      yield* lines(3),
      all.map(() => secured("A")),
    );
  }),
};

export const answeringCases: ReadonlyArray<Case> = [
  answersAmongOthers,
  answers("A", isValidated("A"), [secured("A")]),
  answers("A, then B", isValidated("B"), [failed("A", "unknown"), secured("B")], {
    received: { ...call, calling: e164("+4999") },
  }),
  answers("B", isValidated("B"), [secured("B")], { received: withheld, sent: withheld }),
  answers("C", isValidated("C"), [secured("C")], { words: ["--private"] }),
  answers("AES-256", isValidated("A"), [secured("A", "c020")], { peerWords: ["--suites", "c020"] }),
  answers("clock within", isValidated("A"), [secured("A")], { received: shifted(call, WITHIN_MS) }),
  answers("clock before", isValidated("A"), [secured("A")], { received: shifted(call, -WITHIN_MS) }),
  // What Python received began earlier and ended later, so that it finds the call by any instant.
  answers("clock beyond", isRefused("B"), [failed("A", null), failed("B", null)], {
    received: shifted(call, -BEYOND_MS),
  }),
  answers("unknown", isRefused("B"), [failed("A", "unknown"), failed("B", "unknown")], { received: otherNumber }),
  answers(
    "403",
    { code: 4, method: "A", verdict: "declined" },
    [{ ...facts("A"), verdict: "declined", domain: "spam.example", code: 403 }],
    { words: ["--domain", "spam.example"] },
  ),
  answersWithALock,
  answers("another's node", { code: 3, method: "A", verdict: "unreachable" }, [{ verdict: "foreign" }], {
    words: ["--peer-node", ORIGINATOR],
  }),
  answers("group 3072", isValidated("A"), [secured("A", "c01d", 3072)], { peerWords: ["--group", "3072"] }),
  answers("group 4096", isValidated("A"), [secured("A", "c01d", 4096)], { peerWords: ["--group", "4096"] }),
];

// All of them

export interface Tried {
  readonly name: string;
  /** What went wrong, or null. */
  readonly why: string | null;
}

const CASE_TIMEOUT_MS = 60_000;
const CASES_AT_ONCE_MAX = 3;

/** Tries each; never fails, but tells. */
export const tryCases = (cases: ReadonlyArray<Case>): Effect.Effect<ReadonlyArray<Tried>, never, World> =>
  Effect.forEach(
    cases,
    ({ name, body }) =>
      Effect.scoped(body).pipe(
        Effect.timeout(CASE_TIMEOUT_MS),
        Effect.matchCause({ onFailure: (cause) => String(cause).slice(0, 2_000), onSuccess: () => null }),
        Effect.map((why) => ({ name, why })),
      ),
    { concurrency: CASES_AT_ONCE_MAX },
  ).pipe(Effect.provide(Logger.layer([])));
