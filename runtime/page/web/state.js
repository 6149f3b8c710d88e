/**
 * What the page knows: parts of the programs' reports as they were told last, the newest events, and what the visitor chose.
 *
 *   /live --> part, happenings --> state --> drawn once a frame, however much has come
 */
const HAPPENINGS_KEPT = 400;
const RECONNECT_SHOWN_MS = 2_500;

/** @typedef {{ program: string, n: number, atMs: number, type: string, number: string, text: string, verdict?: string, method?: string, bits?: number, required?: number }} Happening */
/** @typedef {{ name: string, value: any }} Sample */

export const state = {
  /** "open", "lost": since when. */
  link: { isOpen: false, sinceMs: Date.now() },
  /** @type {ReadonlyArray<{ name: string, program: string, company?: string, hasStory?: boolean }>} */
  programs: [],
  /** @type {Map<string, any>} By program and part: `server ring`. */
  parts: new Map(),
  /** @type {ReadonlyArray<Happening>} In order. */
  happenings: [],
  view: "overview",
  token: "",
  theme: "auto",
  /** The view's own: what is asked, searched, answered. */
  asked: /** @type {Record<string, any>} */ ({}),
};

/** @param {string} program @param {string} part */
export const partOf = (program, part) => state.parts.get(`${program} ${part}`) ?? null;

/** @type {Record<string, string>} */
const TITLES = { server: "ViPR server", agent: "Call agent", border: "Border element" };
/** What people call a program. @param {string} name */
export const labelOf = (name) => {
  const found = state.programs.find((one) => one.name === name);
  const title = TITLES[found?.program ?? ""] ?? name;
  return found?.company === undefined ? title : `${title} of ${found.company}`;
};

/** All programs of one kind. @param {string} kind */
export const programsOf = (kind) => state.programs.filter(({ program }) => program === kind);

let isDue = false;
let draw = () => {};
/** @param {() => void} how */
export const drawBy = (how) => {
  draw = how;
};
export const changed = () => {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
};

export const follow = () => {
  const source = new EventSource("/live");
  source.addEventListener("open", () => {
    state.link = { isOpen: true, sinceMs: Date.now() };
    changed();
  });
  source.addEventListener("error", () => {
    if (state.link.isOpen) state.link = { isOpen: false, sinceMs: Date.now() };
    setTimeout(changed, RECONNECT_SHOWN_MS);
  });
  source.addEventListener("part", ({ data }) => {
    const { part, value } = JSON.parse(data);
    if (part === "programs") state.programs = value;
    else state.parts.set(part, value);
    changed();
  });
  source.addEventListener("happenings", ({ data }) => {
    const news = /** @type {ReadonlyArray<Happening>} */ (JSON.parse(data));
    const known = new Set(state.happenings.map(keyOf));
    state.happenings = [...state.happenings, ...news.filter((one) => !known.has(keyOf(one)))]
      .sort((a, b) => a.atMs - b.atMs || a.n - b.n)
      .slice(-HAPPENINGS_KEPT);
    changed();
  });
};
/** A page that was cut off is told again what the programs still have. @param {Happening} one */
const keyOf = ({ program, n, atMs }) => `${program} ${n} ${atMs}`;

/** Whether the page should say that it is cut off. */
export const isCutOff = () => !state.link.isOpen && Date.now() - state.link.sinceMs >= RECONNECT_SHOWN_MS;

/** Sums the samples of a metric that have these labels. @param {string} program @param {string} name @param {Record<string, string>} [labels] */
export const figure = (program, name, labels = {}) =>
  samples(program, name)
    .filter(({ labels: its }) => Object.entries(labels).every(([key, value]) => its[key] === value))
    .reduce((sum, { value }) => sum + value, 0);

/** The same over all programs of a kind. @param {string} kind @param {string} name @param {Record<string, string>} [labels] */
export const total = (kind, name, labels) =>
  programsOf(kind).reduce((sum, program) => sum + figure(program.name, name, labels), 0);

/** @param {string} program @param {string} name @returns {ReadonlyArray<{ labels: Record<string, string>, value: number }>} */
export const samples = (program, name) => partOf(program, "figures")?.[name] ?? [];
