/**
 * Validation against the Python implementation of `second/`. It is ours too, but was first written from the documents alone
 * and shares no code, no library and no language with the rest: what both do alike stands in the documents.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import process from "node:process";
import fc from "fast-check";
import {
  e164,
  type NodeId,
  nodeIdFrom,
  nodeIdText,
  ntpMs,
  ntpMsOf,
  type UnixMs,
  unixMs,
  unixMsOf,
  type VServiceId,
  vserviceId,
} from "../../codecs/shared/mod.ts";
import { printUserName, vserviceText } from "../../codecs/validation/mod.ts";
import {
  type CallFacts,
  callStore,
  formsFor,
  insertCall,
  instantWithin,
  originatorPassword,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { anyCallFacts, nodeIds, vservices } from "../validation/arbitrary.ts";
import { answerTo } from "../validation/naming.ts";
import { outputOf } from "./peers.ts";
import type { InteropCheck } from "./run.ts";
import { receivedOf, runSecond, SECOND, type Tried, written } from "./second-cases.ts";
import { run } from "./tls-srp-matrix.ts";

interface Words {
  readonly user_name: string;
  readonly password: string;
  /** Null when the call is not found by that name. */
  readonly terminator_password: string | null;
}
interface Question {
  readonly call: CallFacts;
  /** Of the originator, to the same number. */
  readonly others: ReadonlyArray<CallFacts>;
  readonly received: CallFacts;
  readonly originator: NodeId;
  readonly terminator: NodeId;
  readonly vservice: VServiceId;
  readonly roundMs: number;
  readonly instantMs: UnixMs;
}

const askSecond = (questions: ReadonlyArray<Question>): Promise<ReadonlyArray<Words>> => {
  const asked = questions.map(({ call, others, received, originator, terminator, vservice, roundMs, instantMs }) => ({
    call: written(call),
    others: others.map(written),
    received: written(received),
    node: nodeIdText(originator),
    peer_node: nodeIdText(terminator),
    vservice: vserviceText(vservice),
    round_ms: roundMs,
    instant: ntpMsOf(instantMs) / 1_000,
  }));
  return run(runSecond(["words", "--questions", "-"], asked));
};

/**
 * What the page prints below its example: the call as both know it, then a user name and a password a method; and the same
 * where the originator made another call.
 */
const pageExample = (): ReadonlyArray<{ readonly question: Question; readonly words: ReadonlyArray<Words> }> => {
  const page = readFileSync(new URL("../../docs/protocol/pvp.md", import.meta.url), "utf8");
  const [, whole] = /<!-- example -->\n```text\n([\s\S]*?)```/.exec(page)!;
  const [text, busy] = whole!.split("another call");
  const [, called, calling, seconds] = /called (\S+), calling (\S+), T = (\d+) s/.exec(text!)!;
  const ms = (seconds: string | undefined) => unixMsOf(ntpMs(Math.round(Number(seconds) * 1_000)));
  const timesOf = (end: string, among = text!) => {
    const [, start, stop] = new RegExp(`${end} +start (\\S+) +stop (\\S+)`).exec(among)!;
    return { startMs: ms(start), stopMs: ms(stop) };
  };
  const wordsIn = (among: string) =>
    [...among.matchAll(/^(vipr\d;\S+)\n {2}(\S+)$/gm)].map(([, user_name, password]) => ({
      user_name: user_name!,
      password: password!,
      terminator_password: password!,
    }));
  const words = wordsIn(text!);
  const [, , originator, terminator, vservice] = words[0]!.user_name.split(";");
  const numbers = { called: e164(called!), calling: e164(calling!) };
  const question = {
    call: { ...numbers, ...timesOf("originator") },
    others: [],
    received: { ...numbers, ...timesOf("terminator") },
    originator: nodeIdFrom(BigInt(`0x${originator}`)),
    terminator: nodeIdFrom(BigInt(`0x${terminator}`)),
    vservice: vserviceId(BigInt(`0x${vservice}`)),
    roundMs: 1_000 * Number(seconds),
    instantMs: ms(words[1]!.user_name.split(";").at(-1)),
  };
  const others = [{ ...numbers, ...timesOf("", busy) }];
  return [
    { question, words },
    { question: { ...question, others }, words: [...wordsIn(busy!), words[2]!] },
  ];
};

const QUESTIONS = 1_000;

/** Any call, received up to 1.1 T earlier or later at either end, perhaps without its caller. */
const questions: fc.Arbitrary<Question> = fc
  .record({
    call: anyCallFacts,
    originator: nodeIds,
    terminator: nodeIds,
    vservice: vservices,
    roundMs: fc.constantFrom(4_000, 10_000, 60_000),
    skews: fc.tuple(fc.double({ min: -1.1, max: 1.1, noNaN: true }), fc.double({ min: -1.1, max: 1.1, noNaN: true })),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    isBlind: fc.boolean(),
    near: fc.array(fc.tuple(fc.integer({ min: -2_000_000, max: 2_000_000 }), fc.nat(600_000), fc.boolean()), {
      maxLength: 6,
    }),
  })
  .map(({ call, skews: [atStart, atStop], at, isBlind, roundMs, near, ...rest }) => {
    const startMs = unixMs(call.startMs + Math.round(atStart * roundMs));
    const stopMs = unixMs(Math.max(startMs, call.stopMs + Math.round(atStop * roundMs)));
    const received = { called: call.called, calling: isBlind ? undefined : call.calling, startMs, stopMs };
    const others = near.map(([away, lastsMs, isSameCaller]): CallFacts => {
      const startMs = unixMs(call.startMs + away);
      const calling = isSameCaller ? call.calling : undefined;
      return { called: call.called, calling, startMs, stopMs: unixMs(startMs + lastsMs) };
    });
    return { call, others, received, roundMs, instantMs: instantWithin(call, at), ...rest };
  });

const ourWords = ({ call, others, received, roundMs, instantMs, ...claim }: Question): ReadonlyArray<Words> => {
  const store = callStore([claim.terminator], { roundMs });
  insertCall(store, receivedOf(received, claim.vservice), unixMs(0));
  const forms = [...formsFor({ call, others, instantMs, roundMs }), "C" as const];
  return forms.map((form) => {
    const name = userNameFor(form, call, claim, instantMs, roundMs);
    return {
      user_name: printUserName(name),
      password: originatorPassword(name, call, roundMs),
      terminator_password: answerTo(store, name).password ?? null,
    };
  });
};

const wordsAlike: InteropCheck = {
  name: `second: user names and passwords of the page's example, and of ${QUESTIONS} calls, are the same`,
  needs: ["python3"],
  run: async () => {
    const examples = pageExample();
    same(
      examples.map(({ words }) => words.length),
      [3, 3],
    );
    for (const { question, words } of examples) same(await askSecond([question]), words);
    const seed = Date.now() | 0;
    const asked = fc.sample(questions, { seed, numRuns: QUESTIONS });
    const ours = asked.flatMap(ourWords);
    ok(ours.some(({ terminator_password }) => terminator_password === null));
    ok(ours.some(({ password, terminator_password }) => terminator_password !== password));
    same(await askSecond(asked), ours, `with seed ${seed}`);
  },
};

const DIRECTIONS = ["proves to ours", "answers ours"] as const;
interface Row {
  readonly title: string;
  readonly tried: ReadonlyArray<Tried>;
}
const rows: Array<Row> = [];

const bothWays = (runtime: string, command: string, words: ReadonlyArray<string>): InteropCheck => ({
  name: `second: proves calls to our terminator and answers \`vipr verify-call\`, on ${runtime}`,
  needs: [command, "python3"],
  run: async () => {
    const script = new URL("second-here.ts", import.meta.url).pathname;
    const found: ReadonlyArray<ReadonlyArray<Tried>> = JSON.parse(await outputOf(command, [...words, script]));
    same(found.length, DIRECTIONS.length);
    for (const [i, tried] of found.entries()) rows.push({ title: `${runtime.padEnd(6)}${DIRECTIONS[i]}`, tried });
    same(
      found.flatMap((tried) => tried.filter(({ why }) => why !== null)),
      [],
    );
  },
});

export const checks: ReadonlyArray<InteropCheck> = [
  wordsAlike,
  bothWays("Node", process.execPath, []),
  bothWays("Deno", "deno", ["run", "-A"]),
  bothWays("Bun", "bun", []),
];

/** A line for each runtime and direction. */
export const summary = (): string =>
  rows.length === 0
    ? ""
    : [
        `${SECOND.split("/").slice(-2).join("/")} (+ held, X failed)`,
        ...rows.map(
          ({ title, tried }) =>
            `${title.padEnd(24)}${tried.map(({ name, why }) => `${why === null ? "+" : "X"} ${name}`).join("; ")}`,
        ),
      ].join("\n");
