/**
 * The demonstration's story: one call from the telephone network to the Internet, one theft to its refusal. Each step has a
 * sentence, and lights up in one picture where it happens.
 */
import { html } from "./html.js";
import { changed, partOf, state } from "./state.js";
import { clockOf } from "./text.js";

/** @typedef {{ chapter: string, n: number, name: string, text: string, atMs: number, from: string, to: string }} Step */

/** @type {Record<string, string>} */
const CHAPTERS = { call: "A call", theft: "A theft" };
/** How many steps there are when all is told. @type {Record<string, number>} */
const LENGTHS = { call: 6, theft: 4 };
/** What a step is called in the list. @type {Record<string, string>} */
const TITLES = {
  dialled: "Dialled over the telephone network",
  recorded: "Recorded at both ends",
  lookedUp: "Looked up in the overlay",
  proved: "Proved",
  routed: "A route and a ticket",
  rang: "Rings over the Internet",
  stolen: "A number is claimed by a thief",
  doubted: "Both claimants are found",
  refused: "The thief cannot prove it",
  kept: "The next call goes to the owner",
};

/** Places of the picture: left who calls, right who is called. @type {Record<string, readonly [x: number, y: number, title: string]>} */
const PLACES = {
  network: [450, 46, "telephone network"],
  phoneA: [85, 140, "telephone"],
  agentA: [235, 140, "call agent"],
  serverA: [105, 270, "ViPR server"],
  borderA: [235, 380, "border element"],
  phoneB: [815, 140, "telephone"],
  agentB: [665, 140, "call agent"],
  serverB: [795, 270, "ViPR server"],
  borderB: [665, 380, "border element"],
  overlay: [450, 195, "overlay"],
  thief: [450, 325, "thief"],
};
/** Lines that are always there, and how each leads. */
const LINES = [
  ["phoneA", "agentA"],
  ["agentA", "network"],
  ["network", "agentB"],
  ["agentB", "phoneB"],
  ["agentA", "serverA"],
  ["agentB", "serverB"],
  ["serverA", "overlay"],
  ["serverB", "overlay"],
  ["agentA", "borderA"],
  ["agentB", "borderB"],
  ["borderA", "borderB"],
  ["thief", "overlay"],
  ["serverA", "serverB"],
  ["serverA", "thief"],
];
/** Which of them a step lights up. @type {Record<string, ReadonlyArray<string>>} */
const LIT = {
  dialled: ["phoneA agentA", "agentA network", "network agentB", "agentB phoneB"],
  recorded: ["agentA serverA", "agentB serverB"],
  lookedUp: ["serverA overlay"],
  proved: ["serverA serverB"],
  routed: ["serverA serverB", "agentA serverA"],
  rang: ["phoneA agentA", "agentA borderA", "borderA borderB", "agentB borderB", "agentB phoneB"],
  stolen: ["thief overlay"],
  doubted: ["serverA overlay"],
  refused: ["serverA thief"],
};
LIT.kept = /** @type {ReadonlyArray<string>} */ (LIT.rang);
const BAD = new Set(["stolen", "refused"]);
/** Drawn where a step needs them: a dashed line everywhere else would be a line too many. */
const SELDOM = new Set(["serverA serverB", "serverA thief"]);
const THIEVES = new Set(["stolen", "doubted", "refused", "kept"]);

const placeOf = (/** @type {string} */ name) => PLACES[name] ?? [0, 0, ""];
/** @param {string} one @param {string} other */
const pathOf = (one, other) => {
  const [[x1, y1], [x2, y2]] = [placeOf(one), placeOf(other)];
  // From server to server it passes under the overlay.
  return one === "serverA" && other === "serverB"
    ? `M ${x1} ${y1} Q 450 ${y1 + 24} ${x2} ${y2}`
    : `M ${x1} ${y1} L ${x2} ${y2}`;
};

/** @param {Step} step */
const picture = ({ name, from, to, text }) => {
  const lit = new Set(LIT[name] ?? []);
  const ends = new Set([...lit].flatMap((line) => line.split(" ")));
  const kind = BAD.has(name) ? "bad" : "good";
  return html`<svg class="scene" viewBox="0 0 900 450" role="img" aria-label=${`${TITLES[name]}: ${text}`}>
    <rect class="company" x="20" y="70" width="310" height="360" rx="14" />
    <rect class="company" x="570" y="70" width="310" height="360" rx="14" />
    <text class="owner" x="36" y="98">${from}</text>
    <text class="owner" x="864" y="98" text-anchor="end">${to}</text>
    ${LINES.map(([one = "", other = ""]) => {
      const line = `${one} ${other}`;
      if (!lit.has(line) && (SELDOM.has(line) || (one === "thief" && !THIEVES.has(name)))) return "";
      return html`<path key=${line} class=${lit.has(line) ? `line lit ${kind}` : "line"} d=${pathOf(one, other)} />`;
    })}
    ${Object.entries(PLACES).map(([place, [x, y, title]]) => {
      if (place === "thief" && !THIEVES.has(name)) return "";
      const isLit = ends.has(place);
      return html`<g key=${place} class=${isLit ? `place lit ${place === "thief" ? "bad" : kind}` : "place"}>
        ${place === "overlay" ? html`<circle cx=${x} cy=${y} r="46" />` : html`<circle cx=${x} cy=${y} r="13" />`}
        <text x=${x} y=${place === "overlay" ? y + 5 : y + 32} text-anchor="middle">${title}</text>
      </g>`;
    })}
  </svg>`;
};

const choose = (/** @type {Step} */ { chapter, n }) => {
  state.asked.step = `${chapter} ${n}`;
  changed();
};

const follow = () => {
  state.asked.step = undefined;
  changed();
};

const chapter = (/** @type {string} */ name, /** @type {ReadonlyArray<Step>} */ steps, /** @type {Step} */ shown) => {
  const told = steps.filter((step) => step.chapter === name);
  if (told.length === 0) return "";
  const left = (LENGTHS[name] ?? 0) - told.length;
  return html`<section key=${name} aria-labelledby=${`c-${name}`}>
    <h2 id=${`c-${name}`}>${CHAPTERS[name]}</h2>
    <ol class="choices one steps">${told.map(
      (
        step,
      ) => html`<li key=${step.n}><button aria-pressed=${step === shown ? "true" : "false"} onClick=${() => choose(step)}>
        <span class="number">${step.n}</span> ${TITLES[step.name]} <span class="quiet time">${clockOf(step.atMs)}</span>
      </button></li>`,
    )}</ol>
    ${left > 0 && html`<p class="quiet">${left === 1 ? "One step is" : `${left} steps are`} still to come.</p>`}
  </section>`;
};

export const taleView = () => {
  const teller = state.programs.find(({ hasStory }) => hasStory);
  /** @type {ReadonlyArray<Step>} */
  const steps = (teller && partOf(teller.name, "story")?.steps) ?? [];
  const newest = steps.at(-1);
  if (newest === undefined)
    return html`<p class="empty" role="status">The companies are being set up. The story begins with the first calls.</p>`;
  const shown = steps.find(({ chapter: its, n }) => `${its} ${n}` === state.asked.step) ?? newest;
  return html`
    <div class="tale">
      <div>
        ${picture(shown)}
        <p class="lead" aria-live="polite"><strong>${CHAPTERS[shown.chapter]}, step ${shown.n}: ${TITLES[shown.name]}.</strong> ${shown.text}</p>
        ${state.asked.step !== undefined && html`<p><button class="link" onClick=${follow}>Follow the newest step</button></p>`}
      </div>
      <div>${Object.keys(CHAPTERS).map((name) => chapter(name, steps, shown))}</div>
    </div>`;
};
