/**
 * The demonstration's federation, built up: the overlay, the companies in it, a thief, and the numbers they publish.
 *
 *   overlay --> each company: enrolled, its ViPR server, call agent and border element --> the thief --> all publish
 */
import { Effect } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import { Entropy, Pstn, type PstnShape } from "../../actors/ports/mod.ts";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import type { E164 } from "../../codecs/shared/mod.ts";
import { openCompanyAdmin, openOverlayAdmin, openSightings, programsIn, type Sightings } from "./admin.ts";
import { THIEF } from "./adversaries.ts";
import { openCompany, type RunningCompany } from "./company.ts";
import type { Company } from "./domains.ts";
import { openOverlay } from "./overlay.ts";
import type { StoryStep } from "./story-steps.ts";
import { type Intrusions, noIntrusions, noTally, type Tally } from "./tally.ts";
import { type DemoListener, watcherOf } from "./watcher.ts";

const NODES_PER_COMPANY = 2;
/** Tv: long enough that the replay is over before the first proof, short enough for a visitor. */
const WAIT_BETWEEN_MS = [2_000, 4_000] as const;
/** Numbers that the thief publishes though they are not its own. */
const STOLEN = 8;

export interface FederationSetup {
  readonly companies: ReadonlyArray<Company>;
  readonly network: PstnShape;
  /** Where the overlay's first node answers `vipr ring`; undefined: nowhere. */
  readonly admin: Endpoint | undefined;
  /** The directory that says where each company's admin port is; undefined: none has one. */
  readonly data: string | undefined;
  /** What has been told of the story. */
  readonly story: () => ReadonlyArray<StoryStep>;
}

export interface Federation {
  readonly companies: ReadonlyArray<RunningCompany>;
  readonly thief: RunningCompany;
  readonly stolen: ReadonlyArray<E164>;
  /** The company whose number it is. */
  readonly ownerOf: (number: E164) => RunningCompany | undefined;
  /** By domain, the thief's not among them. */
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly intrusions: Intrusions;
  /** Credentials of a domain as a public authority issues them. */
  readonly domainCredentials: (domain: string) => Effect.Effect<RunningCompany["credentials"]>;
}

export const openFederation = Effect.fn("demo.federation")(function* (setup: FederationSetup, listener: DemoListener) {
  const { companies, network, admin, data, story } = setup;
  const all = companies.flatMap(({ numbers }) => [...numbers]);
  const stolen = yield* chosen(all, STOLEN);
  const intrusions = noIntrusions();
  const tallies = new Map<string, Tally>(companies.map(({ domain }) => [domain, noTally()]));
  const domainOf = (number: E164) => companies.find(({ numbers }) => numbers.has(number))?.domain;

  const thiefName = `1.${THIEF}`; // each node enrols as a user of its own
  const overlay = yield* openOverlay([...companies.flatMap(({ domain }) => nodeNames(domain)), thiefName]);
  yield* listener.phase("overlay", "enrolment server and first node are up");
  if (admin !== undefined) {
    const at = addressText(yield* openOverlayAdmin(overlay, admin));
    yield* listener.phase("admin", `vipr ring --admin ${at} shows the overlay`);
  }

  const thieves = new Set<NodeId>();
  const watch = watcherOf({ tallies, intrusions, thieves, domainOf }, listener);
  const open = Effect.fnUntraced(function* (
    { domain, numbers }: Company,
    publishes: ReadonlyArray<E164>,
    names: ReadonlyArray<string>,
    seen?: Sightings,
  ) {
    const members = yield* Effect.forEach(names, overlay.enrolledWith);
    const credentials = yield* overlay.domainCredentials(domain);
    const company = {
      domain,
      numbers,
      publishes,
      members,
      credentials,
      waitBetweenMs: WAIT_BETWEEN_MS,
      watch: both(watch(domain), seen?.watch),
      off: seen?.control.off,
    };
    const running = yield* Effect.provideService(openCompany(company), Pstn, network);
    yield* listener.phase("joined", `${domain}: ${names.length} node${names.length === 1 ? "" : "s"}`);
    return running;
  });

  const running = yield* openHonest(companies, { data, story }, listener, open);
  const thief = yield* open({ domain: THIEF, numbers: new Set() }, stolen, [thiefName]);
  for (const { nodeId } of thief.server.nodes) thieves.add(nodeId);
  yield* publishAll(running, thief, listener);
  const ownerOf = (number: E164) => running.find(({ numbers }) => numbers.has(number));
  const { domainCredentials } = overlay;
  return { companies: running, thief, stolen, ownerOf, tallies, intrusions, domainCredentials } satisfies Federation;
});

type Open<E, R> = (
  company: Company,
  publishes: ReadonlyArray<E164>,
  names: ReadonlyArray<string>,
  seen?: Sightings,
) => Effect.Effect<RunningCompany, E, R>;

/** The companies, each with its admin ports where there is a directory for them; the page of the first is told. */
const openHonest = Effect.fnUntraced(function* <E, R>(
  companies: ReadonlyArray<Company>,
  { data, story }: Pick<FederationSetup, "data" | "story">,
  listener: DemoListener,
  open: Open<E, R>,
) {
  const domains = companies.map(({ domain }) => domain);
  const running: Array<RunningCompany> = [];
  for (const company of companies) {
    const { domain, numbers } = company;
    const seen = data === undefined ? undefined : yield* openSightings(data, domain);
    const opened = yield* open(company, [...numbers], nodeNames(domain), seen);
    running.push(opened);
    if (data === undefined || seen === undefined) continue;
    const page = yield* openCompanyAdmin(opened, seen, { directory: data, story }, programsIn(data, domains));
    if (running.length === 1) yield* listener.phase("page", `the page, to watch it: ${page}`, page);
  }
  return running;
});

type Watch = (event: ViprEvent) => Effect.Effect<void>;
const both =
  (one: Watch, other: Watch = () => Effect.void): Watch =>
  (event) =>
    Effect.andThen(one(event), other(event));

const publishAll = Effect.fnUntraced(function* (
  companies: ReadonlyArray<RunningCompany>,
  thief: RunningCompany,
  listener: DemoListener,
) {
  const published = yield* Effect.forEach([...companies, thief], ({ publish }) => publish, { concurrency: 4 });
  const honest = published.slice(0, -1).reduce((sum, count) => sum + count, 0);
  yield* listener.phase("published", `${honest} numbers by their owners, ${published.at(-1)} by the thief`);
});

const nodeNames = (domain: string) => Array.from({ length: NODES_PER_COMPANY }, (_, i) => `${i + 1}.${domain}`);

/** `count` of them at random, each at most once. */
const chosen = Effect.fnUntraced(function* <A>(from: ReadonlyArray<A>, count: number) {
  const { between } = yield* Entropy;
  const left = [...from];
  const out: Array<A> = [];
  while (out.length < count && left.length > 0) out.push(...left.splice(yield* between(0, left.length - 1), 1));
  return out;
});
