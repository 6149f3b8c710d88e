/**
 * What the programs of a company say of themselves at their admin ports, part by part, for the page: of the program that serves
 * it as of the others, by the file in each one's directory that tells where it is.
 *
 *   figures    its counters
 *   status     health, metrics in short, certificates, what the log warned of
 *   ring       a node's report of its overlay
 *   calls      those under way, counters, reasons
 *   ladders    the newest calls in short; one of them, message by message, when a page asks for it
 *   happenings what is new since the last look
 */
import { Effect } from "effect";
import {
  type AdminAnswer,
  HAPPENINGS_PATH,
  type HappeningsReport,
  LADDER_PATH,
  LADDERS_PATH,
  refused,
} from "../../actors/admin/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { AuditReport } from "../../machines/vipr/mod.ts";
import { askAdmin } from "../admin-client.ts";
import { readDoor } from "../cli/door.ts";
import { knownFolder } from "../cli/folder.ts";
import { type ProgramName, type ProgramState, programsOf, stateOf, textAt } from "../cli/program-state.ts";
import { statusJson } from "../cli/status-text.ts";
import type { ViprConfig } from "../config/mod.ts";
import { storyOf } from "./story.ts";

export interface PageProgram {
  /** What the page calls it, in addresses too: a word. */
  readonly name: string;
  readonly program: ProgramName;
  readonly data: string;
  /** Whose it is, where the page shows several companies. */
  readonly company?: string;
  /** It tells the demonstration's story. */
  readonly hasStory?: boolean;
}

/** One program alone, under its own name. */
export const pageOf = (program: ProgramName, data: string): ReadonlyArray<PageProgram> => [
  { name: program, program, data },
];

/** All of a company's. */
export const pagesOf = (config: ViprConfig): ReadonlyArray<PageProgram> =>
  programsOf(config).map((one) => ({ ...one, name: one.program }));

export interface ProgramParts {
  readonly status: unknown;
  /** Samples of its metrics by name, of those that count what it does. */
  readonly figures: unknown;
  readonly ring: unknown;
  readonly calls: unknown;
  readonly ladders: unknown;
}

const CALLS = [
  ["calls", "/calls.json"],
  ["ladders", LADDERS_PATH],
] as const;
const REPORTS = {
  server: [["ring", "/ring.json"]],
  agent: CALLS,
  border: CALLS,
} as const;

/** All but what is new; a part that is not to be had is null. */
export const partsOf = Effect.fnUntraced(function* ({ name, program, data, hasStory }: PageProgram) {
  const state = yield* stateOf(program, data);
  const parts: ProgramParts = { status: statusOf(name, state), figures: figuresOf(state), ...NO_REPORTS };
  if (state.at === undefined || state.ready === undefined) return { at: undefined, parts };
  const { at } = state;
  const reports = yield* Effect.forEach(hasStory ? [...REPORTS[program], STORY] : REPORTS[program], ([part, path]) =>
    Effect.map(jsonAt(at, path), (report) => [part, report] as const),
  );
  return { at, parts: { ...parts, ...Object.fromEntries(reports) } };
});
/** Of the demonstration alone. */
export const STORY_PATH = "/story.json";
const STORY = ["story", STORY_PATH] as const;
const NO_REPORTS = { ring: null, calls: null, ladders: null };

/** The directory is the machine's own affair: a page has no use for it. */
const statusOf = (name: string, state: ProgramState) => {
  const { data: _, ...shown } = statusJson([state]).programs[0]!;
  return { name, ...shown };
};

const FIGURES =
  /^vipr_(vap|vcrs|validations|calls|look_ups|attempts|proofs|routes|route|tickets|numbers|agent|overlay|pvp)_/;

const figuresOf = ({ metrics }: ProgramState) =>
  Object.fromEntries([...metrics].filter(([name]) => FIGURES.test(name)));

/** None of a program that keeps no events, or is of another version. */
export const newsOf = (at: Endpoint, after: number) =>
  Effect.map(jsonAt(at, `${HAPPENINGS_PATH}${after}`), (answer) => {
    const report = answer as Partial<HappeningsReport> | null;
    return typeof report?.last === "number" && Array.isArray(report.happenings) ? (report as HappeningsReport) : NONE;
  });
const NONE: HappeningsReport = { last: 0, missed: 0, happenings: [] };

const jsonAt = (at: Endpoint, path: string): Effect.Effect<unknown> =>
  Effect.map(Effect.option(textAt(at, path)), (answer) => {
    if (answer._tag === "None" || answer.value.status !== 200) return null;
    try {
      return JSON.parse(answer.value.text);
    } catch {
      return null;
    }
  });

/** One call of a program, message by message. */
export const ladderOf = ({ data }: PageProgram, id: string): Effect.Effect<AdminAnswer> =>
  Effect.gen(function* () {
    const ladder = yield* jsonAt(yield* readDoor(yield* knownFolder(data)), `${LADDER_PATH}${id}`);
    return ladder === null ? NO_LADDER : { status: 200, body: ladder };
  }).pipe(Effect.catch(() => Effect.succeed(NO_LADDER)));
const NO_LADDER = refused(404, "no such call is kept there");

/** An order under that program's own token, which stands in its directory. */
export const orderOf = ({ data }: PageProgram, path: string, body: string): Effect.Effect<AdminAnswer> =>
  Effect.gen(function* () {
    const { token, ...at } = yield* readDoor(yield* knownFolder(data));
    return yield* askAdmin(at, { path, token, body: JSON.parse(body || "{}") });
  }).pipe(
    Effect.map(({ status, body: answer, isSealed }) =>
      isSealed || status !== 200
        ? { status, body: shown(path, answer) }
        : { status: 502, body: { error: "another program answers there" } },
    ),
    Effect.catchCause(() => Effect.succeed({ status: 502, body: { error: "this program does not answer" } })),
  );

/** A story is told in sentences; what else is answered is shown as it is. */
const shown = (path: string, answer: unknown): unknown => {
  const { story } = (answer ?? {}) as { readonly story?: AuditReport | null };
  return path !== "/explain" || story === undefined || story === null ? answer : { story: storyOf(story, Date.now()) };
};
