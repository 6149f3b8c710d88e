/**
 * The demonstration, phase by phase: two companies that never heard of each other end up calling each other over IP.
 *
 *   federation --> replay over the PSTN --> theft, guesses --> validate --> call again --> intruders --> a border is cut
 */
import { Clock, Effect } from "effect";
import { Entropy } from "../../actors/ports/mod.ts";
import { makePstn } from "../../actors/pstn/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { chanceOf } from "../memory/chance.ts";
import { guessCalls, intrude, overwriteClaims, SPAMMER } from "./adversaries.ts";
import { afterCut, callAgain, replay, sortCalls, validated } from "./calls.ts";
import type { Company } from "./domains.ts";
import { openFederation } from "./federation.ts";
import type { DemoCall } from "./records.ts";
import { type DemoReport, type Summary, summaryOf } from "./report.ts";
import { makeStory } from "./story.ts";
import { choose } from "./story-choice.ts";
import type { DemoListener } from "./watcher.ts";

export interface DemoInput {
  readonly calls: ReadonlyArray<DemoCall>;
  readonly companies: ReadonlyArray<Company>;
  /** Where the overlay's first node answers `vipr ring`; undefined: nowhere. */
  readonly admin?: Endpoint | undefined;
  /** The directory that says where each company's admin port is; undefined: none has one. */
  readonly data?: string | undefined;
}

export const runDemo = Effect.fn("demo.run")(function* (input: DemoInput, given: DemoListener) {
  const startedMs = yield* Clock.currentTimeMillis;
  const { calls, companies, admin, data } = input;
  const network = yield* Effect.provideServiceEffect(makePstn(), Entropy, separateEntropy);
  const story = makeStory(given);
  const { listener } = story;
  const federation = yield* openFederation({ companies, network, admin, data, story: story.steps }, listener);
  const { thief, stolen, ownerOf, tallies, intrusions } = federation;

  const played = sortCalls(calls, ownerOf);
  yield* story.follow(choose(played, federation));
  yield* replay(played, federation, network);
  yield* listener.phase("replayed", `${played.outward.length + played.foreign.length} calls over the PSTN`);

  yield* overwriteClaims(thief, stolen, (number) => ownerOf(number)?.domain, intrusions);
  const times = calls.map(({ startMs }) => startMs);
  yield* guessCalls(thief, stolen, [Math.min(...times), Math.max(...times)]);
  yield* validated(federation, listener);

  yield* callAgain(played.outward, federation, listener);
  yield* listener.phase("called", `${played.outward.length} calls placed again`);

  yield* intrude(federation.companies, yield* federation.domainCredentials(SPAMMER), intrusions);
  const refused = Object.values(intrusions.refused).reduce((a, b) => a + b, 0);
  yield* listener.phase("intruders", `${refused} attempts turned away`);
  yield* afterCut(federation, listener);
  // What took the PSTN the second time is validated too: the figures are those of a federation at rest.
  yield* validated(federation, listener);

  const running = federation.companies;
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

/** A generator of its own, seeded once from the common one: how often other parts draw does not change its values. */
const separateEntropy = Effect.gen(function* () {
  const { bytes, between } = yield* Entropy;
  const chance = chanceOf(yield* between(0, 2 ** 31));
  return { bytes, between: (min: number, max: number) => Effect.sync(() => chance.between(min, max)) };
});
