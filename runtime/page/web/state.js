/**
 * What the page knows: parts of the programs' reports as they were told last, the newest events, and what the visitor chose.
 *
 *   /live --> part, happenings --> state --> drawn once a frame, however much has come
 */
const HAPPENINGS_KEPT = 400;
const RECONNECT_SHOWN_MS = 2_500;
const RECONNECT_MS = 1_000;

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
  /** This port shows nothing without it. */
  wantsToken: false,
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

/** Nothing without a token. @returns {Record<string, string>} */
export const tokenHeader = () => (state.token === "" ? {} : { authorization: `Bearer ${state.token}` });

/** Follows what is told, again and again: an EventSource would take no token along. */
export const follow = async () => {
  for (;;) {
    try {
      const response = await fetch("/live", { headers: tokenHeader(), cache: "no-store" });
      state.wantsToken = response.status === 401;
      if (response.ok && response.body !== null) {
        state.link = { isOpen: true, sinceMs: Date.now() };
        changed();
        await told(response.body);
      }
    } catch {
      // The program has gone, or is not there yet.
    }
    if (state.link.isOpen) state.link = { isOpen: false, sinceMs: Date.now() };
    changed();
    setTimeout(changed, RECONNECT_SHOWN_MS);
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
};

/** Until it ends. @param {ReadableStream<Uint8Array>} body */
const told = async (body) => {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      if (data !== undefined) take(event ?? "", JSON.parse(data));
    }
    changed();
  }
};

const take = (/** @type {string} */ event, /** @type {any} */ value) => {
  if (event === "part") {
    if (value.part === "programs") state.programs = value.value;
    else state.parts.set(value.part, value.value);
    return;
  }
  const news = /** @type {ReadonlyArray<Happening>} */ (value);
  const known = new Set(state.happenings.map(keyOf));
  state.happenings = [...state.happenings, ...news.filter((one) => !known.has(keyOf(one)))]
    .sort((a, b) => a.atMs - b.atMs || a.n - b.n)
    .slice(-HAPPENINGS_KEPT);
};
/** A page that was cut off is told again what the programs still have. @param {Happening} one */
const keyOf = ({ program, n, atMs }) => `${program} ${n} ${atMs}`;

/** Whether the page should say that it is cut off. */
export const isCutOff = () =>
  !state.wantsToken && !state.link.isOpen && Date.now() - state.link.sinceMs >= RECONNECT_SHOWN_MS;

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
