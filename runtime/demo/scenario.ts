/**
 * The demonstration, phase by phase: two companies that never heard of each other end up calling each other over IP.
 *
 *   overlay --> companies --> publish --> replay over the PSTN --> validate --> call again --> a link breaks --> intruders
 */
import { Clock, Effect } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import { Entropy, Pstn, type PstnShape } from "../../actors/ports/mod.ts";
import { makePstn } from "../../actors/pstn/mod.ts";
import type { CdrCall } from "../../codecs/cdr/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { E164 } from "../../codecs/shared/mod.ts";
import { chanceOf } from "../memory/chance.ts";
import { openCompanyAdmin, openOverlayAdmin } from "./admin.ts";
import { guessCalls, knock, overwriteClaims, SPAMMER, spam, THIEF } from "./adversaries.ts";
import { openCompany, type RunningCompany } from "./company.ts";
import type { Company } from "./domains.ts";
import { openOverlay } from "./overlay.ts";
import { type DemoReport, type Summary, summaryOf } from "./report.ts";
import { countCall, type Intrusions, noIntrusions, noTally, type Tally } from "./tally.ts";
import { type DemoTold, watcherOf } from "./watcher.ts";

const NODES_PER_COMPANY = 2;
/** Tv: long enough that the replay is over before the first proof, short enough for a visitor. */
const WAIT_BETWEEN_MS = [2_000, 4_000] as const;
const CALLS_AT_ONCE = 24;
/** How long two people talk when the calls are placed again. */
const TALK_MS = 30;
const STOLEN = 8;
const VALIDATION_MS_MAX = 150_000;
const AFTER_CUT_CALLS = 3;

export interface DemoInput {
  readonly calls: ReadonlyArray<CdrCall>;
  readonly companies: ReadonlyArray<Company>;
  /** Where the overlay's first node tells how it stands; undefined: nowhere. */
  readonly admin?: Endpoint | undefined;
  /** The directory that says where each company's admin port is; undefined: none has one. */
  readonly data?: string | undefined;
}

export const runDemo = Effect.fn("demo.run")(function* ({ calls, companies, admin, data }: DemoInput, told: DemoTold) {
  const startedMs = yield* Clock.currentTimeMillis;
  const network = yield* Effect.provideServiceEffect(makePstn(), Entropy, ownChance);
  const stolen = yield* chosen(
    companies.flatMap(({ numbers }) => [...numbers]),
    STOLEN,
  );
  const intrusions = noIntrusions();
  const tallies = new Map<string, Tally>(companies.map(({ domain }) => [domain, noTally()]));

  // Who enrols: each node is a user of its own.
  const users = [...companies.flatMap(({ domain }) => nodeNames(domain)), `1.${THIEF}`];
  const overlay = yield* openOverlay(users);
  yield* told.phase("overlay", "enrolment server and first node are up");
  if (admin !== undefined) {
    const at = addressText(yield* openOverlayAdmin(overlay, admin));
    yield* told.phase("admin", `vipr ring --admin ${at} shows the overlay`);
  }

  const running: Array<RunningCompany> = [];
  const ownerOf = (number: E164) => running.find(({ numbers }) => numbers.has(number));
  const thieves = new Set<bigint>();
  const watch = watcherOf({ tallies, intrusions, thieves, ownerOf }, told);
  const open = (domain: string, own: ReadonlySet<E164>, publishes: ReadonlyArray<E164>, names: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const members = yield* Effect.forEach(names, overlay.enrolledWith);
      const credentials = yield* overlay.domainCredentials(domain);
      const company = yield* openCompany({
        domain,
        numbers: own,
        publishes,
        members,
        credentials,
        waitBetweenMs: WAIT_BETWEEN_MS,
        watch: watch(domain),
      });
      yield* told.phase("joined", `${domain}: ${names.length} node${names.length === 1 ? "" : "s"}`);
      return company;
    }).pipe(Effect.provideService(Pstn, network));

  for (const { domain, numbers } of companies) {
    const company = yield* open(domain, numbers, [...numbers], nodeNames(domain));
    if (data !== undefined) yield* openCompanyAdmin(company, data);
    running.push(company);
  }
  const thief = yield* open(THIEF, new Set(), stolen, [`1.${THIEF}`]);
  for (const { nodeId } of thief.server.nodes) thieves.add(nodeId);

  const published = yield* Effect.forEach([...running, thief], ({ publish }) => publish, { concurrency: 4 });
  const honest = published.slice(0, -1).reduce((sum, count) => sum + count, 0);
  yield* told.phase("published", `${honest} numbers by their owners, ${published.at(-1)} by the thief`);

  const outward = calls.filter(({ calling, called }) => {
    const from = calling === undefined ? undefined : ownerOf(calling);
    return from !== undefined && from !== ownerOf(called); // a call within one company never leaves its PBX
  });
  const foreign = calls.filter(({ calling }) => calling === undefined || ownerOf(calling) === undefined);

  yield* replayed(outward, foreign, ownerOf, network);
  yield* told.phase("replayed", `${outward.length + foreign.length} calls over the PSTN`);

  yield* overwriteClaims(thief, stolen, (number) => ownerOf(number)?.domain, intrusions);
  const times = calls.map(({ startMs }) => startMs);
  yield* guessCalls(thief, stolen, [Math.min(...times), Math.max(...times)]);
  yield* validated([...running, thief], told);

  // Second time: over IP where a route was learned.
  yield* Effect.forEach(
    outward,
    ({ calling, called }) => callAgain(ownerOf(calling!)!, { calling, called }, tallies, told),
    { concurrency: CALLS_AT_ONCE, discard: true },
  );
  yield* told.phase("called", `${outward.length} calls placed again`);

  yield* intrude(running, overlay.domainCredentials, intrusions);
  yield* told.phase(
    "intruders",
    `${Object.values(intrusions.refused).reduce((a, b) => a + b, 0)} attempts turned away`,
  );
  yield* afterCut(running, tallies, told);
  // What took the PSTN the second time is validated too: the figures are those of a federation at rest.
  yield* validated([...running, thief], told);

  const summary = summaryOf({
    domains: companies.length,
    nodes: 1 + [...running, thief].reduce((sum, { server }) => sum + server.nodes.length, 0),
    tallies,
    routes: running.map(({ domain, routes }) => ({ domain, routes: routes.all() })),
    ownerOf: (number) => ownerOf(number)?.domain,
    intrusions,
    seconds: ((yield* Clock.currentTimeMillis) - startedMs) / 1_000,
  });
  return { summary, tallies, intrusions, running } satisfies DemoReport & { summary: Summary };
});

/** First time: over the telephone network, as the records tell it. */
const replayed = Effect.fnUntraced(function* (
  outward: ReadonlyArray<CdrCall>,
  foreign: ReadonlyArray<CdrCall>,
  ownerOf: (number: E164) => RunningCompany | undefined,
  network: PstnShape,
) {
  const how = { concurrency: CALLS_AT_ONCE, discard: true } as const;
  yield* Effect.forEach(outward, (call) => ownerOf(call.calling!)!.agent.placeCall({ ...call, talkMs: TALK_MS }), how);
  yield* Effect.forEach(foreign, (call) => network.place(call, () => Effect.void), how);
});

/** Choices of its own, begun from the common ones: what the others draw meanwhile does not change them. */
const ownChance = Effect.gen(function* () {
  const { bytes, between } = yield* Entropy;
  const chance = chanceOf(yield* between(0, 2 ** 31));
  return { bytes, between: (min: number, max: number) => Effect.sync(() => chance.between(min, max)) };
});

const nodeNames = (domain: string) => Array.from({ length: NODES_PER_COMPANY }, (_, i) => `${i + 1}.${domain}`);

/** So many of them, by chance, each once. */
const chosen = Effect.fnUntraced(function* <A>(from: ReadonlyArray<A>, count: number) {
  const { between } = yield* Entropy;
  const left = [...from];
  const out: Array<A> = [];
  while (out.length < count && left.length > 0) out.push(...left.splice(yield* between(0, left.length - 1), 1));
  return out;
});

/** Until nothing waits and nothing is under way. */
const validated = Effect.fnUntraced(function* (companies: ReadonlyArray<RunningCompany>, told: DemoTold) {
  const untilMs = (yield* Clock.currentTimeMillis) + VALIDATION_MS_MAX;
  let saidMs = 0;
  while (true) {
    const counters = yield* Effect.forEach(companies, ({ server }) => server.counters);
    const left = counters.reduce((sum, { pending, underWay }) => sum + pending + underWay, 0);
    const nowMs = yield* Clock.currentTimeMillis;
    if (left === 0 || nowMs > untilMs) return yield* told.phase("validated", `${left} calls left to validate`);
    if (nowMs - saidMs >= 1_000) {
      saidMs = nowMs;
      yield* told.phase("validating", `${left} calls left`);
    }
    yield* Effect.sleep(100);
  }
});

const callAgain = Effect.fnUntraced(function* (
  from: RunningCompany,
  call: { readonly calling: E164 | undefined; readonly called: E164 },
  tallies: ReadonlyMap<string, Tally>,
  told: DemoTold,
) {
  const outcome = yield* from.agent.placeCall({ ...call, talkMs: TALK_MS });
  countCall(tallies.get(from.domain)!, outcome);
  const { via } = outcome;
  const why = outcome.via === "sip" ? undefined : outcome.fellBack;
  yield* told.event(from.domain, { type: "called", number: call.called, via, ...(why === undefined ? {} : { why }) });
  return outcome;
});

/** Spam at the first company that somebody learned two numbers of; rubbish everywhere. */
const intrude = Effect.fnUntraced(function* (
  running: ReadonlyArray<RunningCompany>,
  credentialsOf: (domain: string) => Effect.Effect<RunningCompany["credentials"]>,
  intrusions: Intrusions,
) {
  const spammer = yield* credentialsOf(SPAMMER);
  yield* Effect.forEach(running, (victim) => spamOne(running, victim, spammer, intrusions), {
    concurrency: running.length, // each border element counts its own refusals
    discard: true,
  });
  yield* Effect.forEach(running, (company) => knock(company, intrusions), {
    concurrency: running.length,
    discard: true,
  });
});

/** With a genuine ticket that somebody else holds for one of the victim's numbers, when anybody does. */
const spamOne = (
  running: ReadonlyArray<RunningCompany>,
  victim: RunningCompany,
  spammer: RunningCompany["credentials"],
  intrusions: Intrusions,
) => {
  for (const holder of running) {
    const leaked = holder.routes.all().find(({ number }) => victim.numbers.has(number));
    const other = [...victim.numbers].find((number) => number !== leaked?.number);
    if (victim !== holder && leaked !== undefined && other !== undefined)
      return spam({ spammer, victim, leaked, holder, other }, intrusions);
  }
  return Effect.void;
};

/** A border element goes away: calls to its company fall back, and none fails. */
const afterCut = Effect.fnUntraced(function* (
  running: ReadonlyArray<RunningCompany>,
  tallies: ReadonlyMap<string, Tally>,
  told: DemoTold,
) {
  const routesTo = ({ numbers }: RunningCompany) =>
    running.flatMap(({ routes }) => routes.all()).filter(({ number }) => numbers.has(number)).length;
  const gone = [...running].sort((a, b) => routesTo(b) - routesTo(a))[0]!;
  yield* gone.cutBorder;
  const calls = running
    .filter((company) => company !== gone)
    .flatMap((from) => from.routes.all().map(({ number }) => ({ from, number })))
    .filter(({ number }) => gone.numbers.has(number))
    .slice(0, AFTER_CUT_CALLS);
  for (const { from, number } of calls) {
    const calling = [...from.numbers][0];
    yield* callAgain(from, { calling, called: number }, tallies, told);
  }
  yield* told.phase("cut", `${gone.domain}'s border element went away: ${calls.length} calls to it took the PSTN`);
});
