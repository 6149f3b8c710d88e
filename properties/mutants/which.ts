/**
 * Which test files may catch a mutant, and in which order: those of its room that load its file, the nearest by imports first,
 * then the nearest of other rooms. Files that start programs load nothing of it themselves; a mutant has to name them.
 */
import { fileOf, importsOf, type Source, sources } from "../kit/source.ts";
import type { Mutant } from "./mutant.ts";

/** Rooms of the product whose tests stand in other rooms of properties. */
const ROOMS: Readonly<Record<string, ReadonlyArray<string>>> = {
  agent: ["agent", "sip"],
  border: ["border", "sip"],
  cdr: ["cdr", "records"],
  kit: ["machines"],
  node: ["reload"],
  proxy: ["proxy", "border"],
  records: ["records", "vipr"],
  rtp: ["rtp", "media"],
  shared: ["wire", "numbers", "ticket"],
  sip: ["sip", "border"],
  srtp: ["srtp", "media"],
  ticket: ["ticket", "sip"],
  validation: ["validation", "vipr"],
  vipr: ["vipr", "validation"],
};
/** Of other rooms, the nearest by imports. */
const OTHERS_MAX = 12;
/** What starts programs or fills machines, and what would run mutants within a mutant. */
const LEFT_OUT =
  /^properties\/(simulation|demo|cli|crash|cluster|fuzz|bench|mutants|package|docs|page|examples)\/|^properties\/house\.test|^properties\/store\/(postgres|cluster|backup|migrations)|^properties\/tls\/cbc-timing|^properties\/runtime\/simulate/;

/** For each file, who imports it. */
const importers = new Map<string, Array<string>>();
const addImporter = (source: Source, target: string): void => {
  const file = fileOf(source, target);
  if (file === undefined) return;
  const known = importers.get(file);
  if (known === undefined) importers.set(file, [source.path]);
  else known.push(source.path);
};
for (const source of sources) for (const target of importsOf(source)) addImporter(source, target);

/** By how many imports each file is away that loads this one. */
const distancesTo = (file: string): ReadonlyMap<string, number> => {
  const away = new Map([[file, 0]]);
  for (const [at, distance] of away)
    for (const next of importers.get(at) ?? []) if (!away.has(next)) away.set(next, distance + 1);
  return away;
};

const OF_ROOM = 1_000;
const OF_OTHER = 2_000;

/** Test files, those that stand first to be asked first. */
export const testsOf = ({ file, tests = [] }: Mutant): ReadonlyArray<string> => {
  const room = file.split("/")[1] ?? "";
  const rooms = ROOMS[room] ?? [room];
  const away = distancesTo(file);
  const rankOf = (path: string): number => {
    const named = tests.findIndex((one) => path.startsWith(`properties/${one}`));
    if (named >= 0) return named;
    const distance = away.get(path);
    if (distance === undefined || LEFT_OUT.test(path)) return Number.POSITIVE_INFINITY;
    return (rooms.includes(path.split("/")[1]!) ? OF_ROOM : OF_OTHER) + distance;
  };
  const ranked = sources
    .filter(({ path }) => path.endsWith(".test.ts"))
    .map(({ path, text }) => ({ path, rank: rankOf(path), size: text.length }))
    .filter(({ rank }) => rank !== Number.POSITIVE_INFINITY)
    .sort((a, b) => a.rank - b.rank || a.size - b.size);
  const others = ranked.findIndex(({ rank }) => rank >= OF_OTHER);
  return ranked.slice(0, others < 0 ? ranked.length : others + OTHERS_MAX).map(({ path }) => path);
};
