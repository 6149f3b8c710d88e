/**
 * The demonstration's admin ports, for `vipr ring` and `vipr explain` while it is up: one of the overlay's first node at
 * an address of the visitor's choice, and two a company, of its server and its border element, on free ports, which are in
 * DIR/<domain>/admin.json. Each has the page.
 */
import { join } from "node:path";
import { Clock, Effect } from "effect";
import {
  type AdminHandle,
  addressText,
  type Happenings,
  handleAdmin,
  handleCalls,
  makeHappenings,
  makeLadders,
  objectionTo,
  reportOf,
  withHealth,
  withLadders,
} from "../../actors/admin/mod.ts";
import type { Border } from "../../actors/border/mod.ts";
import { Keys } from "../../actors/ports/mod.ts";
import type { OverlayNode } from "../../actors/reload/mod.ts";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { serveAdmin } from "../admin.ts";
import { reportOf as borderReport } from "../cli/border-admin.ts";
import { callsHealth } from "../cli/calls-health.ts";
import { newToken } from "../cli/door.ts";
import { type Folder, openFolder } from "../cli/folder.ts";
import { answerOf, openMemberAdmin } from "../cli/member-admin.ts";
import { openDoor } from "../cli/open-door.ts";
import { openServerControl, type ServerControl } from "../cli/server-control.ts";
import { countEvents, type EventCounts, serverFamilies } from "../metrics/server.ts";
import { happened } from "../page/happening.ts";
import { type PageProgram, STORY_PATH } from "../page/programs.ts";
import type { RunningCompany } from "./company.ts";
import { HOST } from "./overlay.ts";
import type { StoryStep } from "./story-steps.ts";

const FREE = { host: HOST, port: 0 };

/** Orders are refused: the token is given to no one. */
export const openOverlayAdmin = Effect.fn("demo.admin")(function* (
  { operator: node, certificate }: { readonly operator: OverlayNode; readonly certificate: Uint8Array },
  on: Endpoint,
) {
  return yield* serveAdmin(on, handleAdmin({ node, token: newToken(), times: yield* timesOf(certificate) }));
});

/** What a company's server reports, kept for its admin port, and what its operator has switched off there. */
export interface Sightings {
  readonly watch: (event: ViprEvent) => Effect.Effect<void>;
  readonly counted: EventCounts;
  readonly happenings: Happenings;
  readonly folder: Folder;
  readonly control: ServerControl;
}

export const openSightings = Effect.fn("demo.sightings")(function* (directory: string, domain: string) {
  const folder = yield* openFolder(join(directory, domain));
  const counted = countEvents();
  const happenings = makeHappenings();
  const watch = (event: ViprEvent) =>
    Effect.map(Clock.currentTimeMillis, (atMs) => {
      counted.record(event, "");
      happened(happenings, event, atMs);
    });
  return { watch, counted, happenings, folder, control: yield* openServerControl(folder) } satisfies Sightings;
});

/** The pages of all companies show all companies. */
export const programsIn = (directory: string, domains: ReadonlyArray<string>): ReadonlyArray<PageProgram> =>
  domains.flatMap((domain, i) => [
    { name: domain, program: "server", data: join(directory, domain), company: domain, hasStory: i === 0 },
    { name: `border.${domain}`, program: "border", data: join(directory, `border.${domain}`), company: domain },
  ]);

/** Gives the address of its page, with the token. */
export const openCompanyAdmin = Effect.fn("demo.companyAdmin")(function* (
  company: RunningCompany,
  { counted, happenings, folder, control }: Sightings,
  { directory, story }: { readonly directory: string; readonly story: () => ReadonlyArray<StoryStep> },
  programs: ReadonlyArray<PageProgram>,
) {
  const { domain, server, border, credentials } = company;
  const node = server.nodes[0]!;
  const times = yield* timesOf(credentials.certificates[0]!);
  const admin = yield* openMemberAdmin(folder, FREE, programs);
  const { token, at = FREE } = admin;
  const listed = control.listed(server.operator);
  admin.show({
    answer: withStory(story, answerOf({ node, token, times, explain: server.explain, listed, happenings })),
    report: Effect.flatMap(Clock.currentTimeMillis, (nowMs) => reportOf(node, { ...times, nowMs })),
    ends: { domain: times.certificateEndsMs },
    metrics: Effect.map(server.counters, (now) => [...serverFamilies(now), ...counted.families()]),
  });
  yield* openBorderDoor(border, yield* openFolder(join(directory, `border.${domain}`)), times.startedMs, programs);
  return `http://${addressText(at)}/#token=${token}`;
});

const openBorderDoor = Effect.fnUntraced(function* (
  border: Border,
  folder: Folder,
  startedMs: number,
  programs: ReadonlyArray<PageProgram>,
) {
  const report = Effect.map(Clock.currentTimeMillis, (nowMs) => borderReport(border, [], startedMs, nowMs));
  const health = yield* callsHealth({ folder, store: undefined, startedMs, report, more: () => [] });
  const ladders = makeLadders(border.messages, border.placeOf);
  const answer = withHealth(health, withLadders(ladders, handleCalls(report)));
  return yield* openDoor(folder, FREE, newToken(), answer, programs);
});

const withStory =
  (story: () => ReadonlyArray<StoryStep>, next: AdminHandle): AdminHandle =>
  (request) =>
    Effect.suspend(() => {
      if (request.path !== STORY_PATH) return next(request);
      return Effect.succeed(objectionTo(request, "GET") ?? { status: 200, body: { steps: story() } });
    });

const timesOf = Effect.fnUntraced(function* (certificate: Uint8Array) {
  const { notAfterMs } = yield* Effect.orDie((yield* Keys).inspect(certificate));
  return { startedMs: yield* Clock.currentTimeMillis, certificateEndsMs: notAfterMs };
});
