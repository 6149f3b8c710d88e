/**
 * What the programs list for who has the token, one entry a telephone number: routes of the call agent, numbers and waiting
 * calls of the server. Searched, switched off and on, forgotten.
 */
import { ask } from "./ask.js";
import { html } from "./html.js";
import { changed, programsOf, state, total } from "./state.js";
import { grouped, spanOf } from "./text.js";
import { tokenForm } from "./token.js";

const SHOWN_MAX = 200;
/** Between two times that an open view asks again. */
const AGAIN_MS = 2_000;

/** @typedef {{ number: string, disabled: boolean, [field: string]: any }} Entry */
/** @typedef {{ title: string, cells: (entry: Entry) => ReadonlyArray<unknown>, columns: ReadonlyArray<string>, forget: string }} Form */

const day = (/** @type {string | null} */ iso) => (iso === null ? "–" : iso.slice(0, 10));
const until = (/** @type {string | null} */ iso) => {
  if (iso === null) return "–";
  const seconds = (Date.parse(iso) - Date.now()) / 1_000;
  return seconds <= 0 ? "now" : `in ${spanOf(seconds)}`;
};
const whose = (/** @type {Entry} */ { domain, tenant }) =>
  [domain, tenant].filter((one) => one !== undefined && one !== "").join(", ");

/** @type {Record<string, Form>} */
const FORMS = {
  routes: {
    title: "Routes",
    columns: ["Domain", "Ticket until"],
    cells: (route) => [route.domain, day(route.expires)],
    forget: "It comes back when it is proved again.",
  },
  numbers: {
    title: "Numbers",
    columns: ["Domain", "In the overlay until"],
    cells: (entry) => [whose(entry), entry.expires === null ? "not stored yet" : day(entry.expires)],
    forget: "It is withdrawn from the overlay; the call agent may publish it again.",
  },
  calls: {
    title: "Calls that wait",
    columns: ["Company", "Wait", "The next is due"],
    cells: (entry) => [entry.tenant || "–", grouped(entry.waiting), until(entry.due)],
    forget: "The calls to it that wait are not validated.",
  },
};
/** @type {Record<string, string>} */
const DONE = { disable: "switched off", enable: "switched on", forget: "forgotten" };

/** What a view has been answered. @returns {{ entries?: ReadonlyArray<Entry>, more: number, error?: string, said: string, search: string, askedMs: number }} @param {string} what */
const viewOf = (what) => {
  state.asked[what] ??= { more: 0, said: "", search: "", askedMs: 0 };
  return state.asked[what];
};

const load = async (/** @type {string} */ program, /** @type {string} */ what) => {
  const view = viewOf(what);
  view.askedMs = Date.now();
  const { ok, answer } = await ask(program, what, { order: "list" });
  view.entries = ok ? answer[what] : view.entries;
  view.more = ok ? answer.more : view.more;
  view.error = ok ? undefined : answer.error;
  changed();
};

const order = async (
  /** @type {string} */ program,
  /** @type {string} */ what,
  /** @type {string} */ order,
  /** @type {string} */ number,
) => {
  if (order === "forget" && !confirm(`Forget ${number}? ${FORMS[what]?.forget}`)) return;
  const { ok, answer } = await ask(program, what, { order, number });
  viewOf(what).said = ok ? `${number}: ${answer.done ? DONE[order] : "there was nothing to do"}.` : answer.error;
  await load(program, what);
};

const rowOf = (/** @type {string} */ program, /** @type {string} */ what, /** @type {Entry} */ entry) => {
  const toggle = entry.disabled ? "enable" : "disable";
  const word = entry.disabled ? "Switch on" : "Switch off";
  return html`<tr key=${entry.number} class=${entry.disabled ? "off" : ""}>
    <th scope="row" class="number">${entry.number}</th>
    ${FORMS[what]?.cells(entry).map((cell, i) => html`<td key=${i}>${cell}</td>`)}
    <td>${entry.disabled ? "off" : "on"}</td>
    <td class="buttons">
      <button onClick=${() => order(program, what, toggle, entry.number)} aria-label=${`${word} ${entry.number}`}>${word}</button>
      <button onClick=${() => order(program, what, "forget", entry.number)} aria-label=${`Forget ${entry.number}`}>Forget</button>
    </td>
  </tr>`;
};

const table = (/** @type {string} */ program, /** @type {string} */ what) => {
  const view = viewOf(what);
  const { entries, more, error, said } = view;
  const form = FORMS[what];
  if (error !== undefined) return html`<p class="notice bad" role="alert">${error}</p>`;
  if (entries === undefined) return html`<p role="status">Asking</p>`;
  const found = entries.filter((entry) =>
    `${entry.number} ${whose(entry)}`.toLowerCase().includes(view.search.toLowerCase()),
  );
  const searched = (/** @type {any} */ event) => {
    view.search = event.target.value;
    changed();
  };
  return html`
    <label class="search">Search <input type="search" value=${view.search} placeholder="a number or a domain" onInput=${searched} /></label>
    <p role="status">${grouped(found.length)} of ${grouped(entries.length + more)}${found.length > SHOWN_MAX ? `; the first ${SHOWN_MAX} are shown` : ""}. ${said}</p>
    <div class="scroll" tabindex="0" role="region" aria-label=${form?.title}><table>
      <caption class="hidden">${form?.title}</caption>
      <thead><tr><th scope="col">Number</th>${form?.columns.map((title) => html`<th scope="col" key=${title}>${title}</th>`)}<th scope="col">State</th><th scope="col">Orders</th></tr></thead>
      <tbody>${found.slice(0, SHOWN_MAX).map((entry) => rowOf(program, what, entry))}</tbody>
    </table></div>`;
};

/** Asked again while it is looked at, since the counts that are told say only that something has changed. */
const listOf = (/** @type {string} */ kind, /** @type {string} */ what) => {
  const program = programsOf(kind)[0]?.name;
  if (program === undefined) return "";
  if (state.token !== "" && Date.now() - viewOf(what).askedMs > AGAIN_MS) load(program, what);
  return html`${tokenForm()}${state.token !== "" && table(program, what)}`;
};

export const routesView = () => html`
  <p class="lead"><strong>${grouped(total("agent", "vipr_agent_routes"))}</strong> routes are known. A call to such a number goes over the Internet; every other takes the telephone network.</p>
  ${listOf("agent", "routes")}`;

export const numbersView = () => {
  const entries = viewOf("numbers").entries;
  const stored = entries?.filter(({ expires }) => expires !== null).length ?? 0;
  return html`
    <p class="lead">Numbers of our own, which the call agents publish so that others can ask for them.</p>
    ${entries !== undefined && entries.length > 0 && html`<label class="search">${grouped(stored)} of ${grouped(entries.length)} are in the overlay <progress max=${entries.length} value=${stored}></progress></label>`}
    ${listOf("server", "numbers")}`;
};

export const waitingView = () => html`
  <p class="lead"><strong>${grouped(total("server", "vipr_validations_pending"))}</strong> calls wait for their validation. Each waits a random time, so that nobody learns from it when somebody has phoned.</p>
  ${listOf("server", "calls")}`;
