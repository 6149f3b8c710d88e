/**
 * A call from phone to phone: one column for each program and neighbour that it went through, one arrow a message.
 *
 *   ladders of all programs, by their id --> chosen: one is asked of each program that has it --> one time line --> picture
 *
 * A message that one of the programs has sent to another of them is in both logs: it is drawn once, as it was sent.
 */
import { read } from "./ask.js";
import { html } from "./html.js";
import { changed, partOf, programsOf, state } from "./state.js";
import { grouped, millisOf } from "./text.js";

/** @typedef {{ id: string, atMs: number, lastMs: number, calling: string | null, called: string | null, state: string, status: number | null, messages: number }} Summary */
/** @typedef {{ atMs: number, isSent: boolean, with: { side: string, name: string }, transport: string, method: string, cseq: number, status: number | null }} Message */
/** @typedef {{ id: string, name: string, note: string, order: number }} Lane */
/** @typedef {Message & { from: Lane, to: Lane }} Step */

const LISTED_MAX = 25;
/** Between two times that an open call is asked for again. */
const AGAIN_MS = 700;
const COLUMN = 190;
const ROW = 34;
const HEAD = 64;
const TIMES = 104;

const carriers = () => state.programs.filter(({ program }) => program !== "server");

/** Each call once, with the programs that have it; the newest first. */
export const laddersNow = () => {
  /** @type {Map<string, Summary & { programs: Array<string> }>} */
  const found = new Map();
  for (const { name } of carriers())
    for (const one of /** @type {ReadonlyArray<Summary>} */ (partOf(name, "ladders")?.ladders ?? [])) {
      const known = found.get(one.id);
      if (known === undefined) found.set(one.id, { ...one, programs: [name] });
      else {
        known.programs.push(name);
        known.atMs = Math.min(known.atMs, one.atMs);
        known.lastMs = Math.max(known.lastMs, one.lastMs);
        known.calling ??= one.calling;
        known.called ??= one.called;
      }
    }
  return [...found.values()].sort((a, b) => b.atMs - a.atMs);
};

/** What has become of it. @param {{ state: string, status: number | null }} one */
export const fateOf = ({ state: fate, status }) =>
  ({
    ringing: status === null ? "not answered" : "rings",
    up: "is up",
    over: "is over",
    failed: `failed with ${status}`,
  })[fate] ?? fate;

const companyOf = (/** @type {string} */ name) => state.programs.find((one) => one.name === name)?.company ?? "";
const ofCompany = (/** @type {string} */ name) => (companyOf(name) === "" ? "here" : companyOf(name));

/** The column of a program, in the order in which a call passes. @param {string} name @param {boolean} isCaller @returns {Lane} */
const laneOf = (name, isCaller) => {
  const isBorder = state.programs.find((one) => one.name === name)?.program === "border";
  const place = isBorder ? 3 : 2;
  return {
    id: name,
    name: isBorder ? "Border element" : "Call agent",
    note: ofCompany(name),
    order: isCaller ? place : 9 - place,
  };
};

/** The column of the other end of a message. @param {string} name @param {Message} message @param {boolean} isCaller @returns {Lane} */
const otherLane = (name, { with: { side, name: its } }, isCaller) => {
  const own = companyOf(name);
  const same = (/** @type {string} */ kind) => programsOf(kind).find((one) => (one.company ?? "") === own)?.name;
  const there = (/** @type {number} */ order) => (isCaller ? order : 9 - order);
  if (side === "border" && same("border") !== undefined)
    return laneOf(/** @type {string} */ (same("border")), isCaller);
  if (side === "inside" && same("agent") !== undefined) return laneOf(/** @type {string} */ (same("agent")), isCaller);
  if (side === "outside") {
    const border = programsOf("border").find((one) => own !== "" && one.company === its && its !== own);
    if (border !== undefined) return laneOf(border.name, !isCaller);
    return { id: `outside ${its}`, name: "Border element", note: its, order: isCaller ? 6 : 3 };
  }
  /** @type {Record<string, [name: string, order: number]>} */
  const SIDES = {
    pbx: ["Exchange", there(1)],
    trunk: ["Trunk", isCaller ? 8 : 1],
    border: ["Border element", there(3)],
    inside: ["Call agent", there(2)],
    fallback: ["Fallback", there(4)],
  };
  const [title, order] = SIDES[side] ?? ["Stranger", 9];
  return {
    id: `${own} ${side} ${side === "inside" ? "" : its}`,
    name: title,
    note: side === "inside" ? ofCompany(name) : its,
    order,
  };
};

/** Within one millisecond: how many columns lie behind a message, by the way that it goes. @param {Step} step */
const passed = ({ from, to }) => (from.order < to.order ? from.order : -from.order);

/** @param {ReadonlyArray<{ program: string, messages: ReadonlyArray<Message> }>} logs @returns {{ lanes: ReadonlyArray<Lane>, steps: ReadonlyArray<Step> }} */
const stepsOf = (logs) => {
  /** @type {Map<string, Lane>} */
  const lanes = new Map();
  const laneIn = (/** @type {Lane} */ lane) => {
    if (!lanes.has(lane.id)) lanes.set(lane.id, lane);
    return /** @type {Lane} */ (lanes.get(lane.id));
  };
  const reporting = new Set(logs.map(({ program }) => program));
  const steps = logs.flatMap(({ program, messages }) => {
    // Who calls has its INVITE from inside, and the other from outside.
    const first = messages.find(({ method, status, isSent }) => method === "INVITE" && status === null && !isSent);
    const isCaller = !["outside", "border", "trunk"].includes(first?.with.side ?? "");
    const own = laneIn(laneOf(program, isCaller));
    return messages.flatMap((message) => {
      const other = laneIn(otherLane(program, message, isCaller));
      if (!message.isSent && reporting.has(other.id)) return [];
      return [{ ...message, from: message.isSent ? own : other, to: message.isSent ? other : own }];
    });
  });
  return {
    lanes: [...lanes.values()].sort((a, b) => a.order - b.order),
    steps: steps.sort((a, b) => a.atMs - b.atMs || passed(a) - passed(b)),
  };
};

/** @param {Message} message */
const wordOf = ({ method, status }) =>
  status === null ? method : method === "INVITE" ? `${status}` : `${status} (${method})`;
/** @param {Message} message */
const kindOf = ({ status }) => (status === null ? "request" : status < 200 ? "wait" : status < 300 ? "good" : "bad");

/** @param {ReadonlyArray<Lane>} lanes @param {ReadonlyArray<Step>} steps */
const picture = (lanes, steps) => {
  const width = TIMES + COLUMN * lanes.length;
  const height = HEAD + ROW * steps.length + 16;
  const xOf = (/** @type {Lane} */ lane) => TIMES + COLUMN * (lanes.indexOf(lane) + 0.5);
  const startMs = steps[0]?.atMs ?? 0;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="The call, message by message">
    <svg class="ladder" style=${{ maxWidth: `${width / 14}rem` }} viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${`${steps.length} messages between ${lanes.map(({ name, note }) => `${name} ${note}`).join(", ")}. The table below has the same.`}>
      <defs><marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M 0 0.5 L 8 4 L 0 7.5 z" /></marker></defs>
      ${lanes.map(
        (lane) => html`<g key=${lane.id}>
        <text class="lane" x=${xOf(lane)} y="20" text-anchor="middle">${lane.name}</text>
        <text class="under" x=${xOf(lane)} y="40" text-anchor="middle">${lane.note}</text>
        <line class="life" x1=${xOf(lane)} x2=${xOf(lane)} y1=${HEAD - 12} y2=${height - 4} />
      </g>`,
      )}
      ${steps.map((step, i) => {
        const y = HEAD + ROW * (i + 0.65);
        const [from, to] = [xOf(step.from), xOf(step.to)];
        return html`<g key=${i} class=${`step ${kindOf(step)}`}>
          <text class="at" x="4" y=${y + 4}>${millisOf(step.atMs - startMs)}</text>
          <line x1=${from} x2=${to} y1=${y} y2=${y} marker-end="url(#head)" />
          <text class="word" x=${(from + to) / 2} y=${y - 6} text-anchor="middle">${wordOf(step)}</text>
        </g>`;
      })}
    </svg></div>`;
};

/** @param {ReadonlyArray<Step>} steps */
const table = (steps) => html`<details><summary>The same as a table</summary>
  <div class="scroll" tabindex="0" role="region" aria-label="Messages"><table>
    <caption class="hidden">Messages of the call in their order</caption>
    <thead><tr><th scope="col" class="figure">After</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Message</th><th scope="col">By</th></tr></thead>
    <tbody>${steps.map(
      (step, i) =>
        html`<tr key=${i}><td class="figure">${millisOf(step.atMs - (steps[0]?.atMs ?? 0))}</td><td>${step.from.name}, ${step.from.note}</td><td>${step.to.name}, ${step.to.note}</td><td>${wordOf(step)}</td><td>${step.transport}</td></tr>`,
    )}</tbody>
  </table></div></details>`;

const open = (/** @type {Summary & { programs: Array<string> }} */ one) => {
  state.asked.ladder ??= {};
  const asked = state.asked.ladder;
  if (asked.id !== one.id) Object.assign(asked, { id: one.id, logs: undefined, askedMs: 0, lastMs: 0 });
  if (asked.lastMs === one.lastMs || Date.now() - asked.askedMs < AGAIN_MS) return asked;
  Object.assign(asked, { askedMs: Date.now() });
  Promise.all(
    one.programs.map(async (program) => {
      const { ok, answer } = await read(`/programs/${program}/ladders/${one.id}`);
      return ok ? [{ program, messages: answer.messages, more: answer.more }] : [];
    }),
  ).then((logs) => {
    if (asked.id !== one.id) return;
    Object.assign(asked, { logs: logs.flat(), lastMs: one.lastMs });
    changed();
  });
  return asked;
};

const chosenCall = (/** @type {Summary & { programs: Array<string> }} */ one) => {
  const { logs } = open(one);
  const title = html`<h2 id="ladder">${one.calling ?? "unknown"} to ${one.called ?? "unknown"}: ${fateOf(one)}</h2>`;
  if (logs === undefined) return html`<section aria-labelledby="ladder">${title}<p role="status">Asking</p></section>`;
  const { lanes, steps } = stepsOf(logs);
  const more = logs.reduce((/** @type {number} */ sum, /** @type {{ more: number }} */ log) => sum + log.more, 0);
  return html`<section aria-labelledby="ladder">${title}
    ${steps.length === 0 ? html`<p class="empty">Its messages are kept no longer.</p>` : [picture(lanes, steps), table(steps)]}
    ${more > 0 && html`<p class="quiet">${grouped(more)} more messages are counted and not shown.</p>`}
  </section>`;
};

/** Shows that call. @param {string} id */
export const chosen = (id) => {
  state.asked.call = id;
  changed();
  // Where the list is long, the picture below it would not be seen to change.
  requestAnimationFrame(() => document.getElementById("ladder")?.scrollIntoView({ block: "nearest" }));
};

/** The calls that there are messages of, and the chosen one of them. */
export const laddersSection = () => {
  const ladders = laddersNow();
  if (ladders.length === 0)
    return html`<section aria-labelledby="calls"><h2 id="calls">Message by message</h2><p class="empty">No call yet whose messages are kept. A call over the Internet, or through the call agent, is drawn here from phone to phone.</p></section>`;
  const shown = ladders.find(({ id }) => id === state.asked.call) ?? ladders[0];
  return html`<section aria-labelledby="calls">
    <h2 id="calls">Message by message</h2>
    <p class="quiet">The newest calls whose messages the programs here still have. Choose one.</p>
    <ul class="choices">${ladders.slice(0, LISTED_MAX).map(
      (
        one,
      ) => html`<li key=${one.id}><button aria-pressed=${one.id === shown?.id ? "true" : "false"} onClick=${() => chosen(one.id)}>
        <span class="number">${one.calling ?? "unknown"} → ${one.called ?? "unknown"}</span> <span class=${one.state === "failed" ? "bad" : "quiet"}>${fateOf(one)}</span>
      </button></li>`,
    )}</ul>
  </section>
  ${shown !== undefined && chosenCall(shown)}`;
};
