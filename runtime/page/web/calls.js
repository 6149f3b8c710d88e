/** Calls under way in call agent and border element, what they count, and what took the telephone network after all. */

import { bars } from "./bars.js";
import { html } from "./html.js";
import { chosen, laddersSection } from "./ladder.js";
import { labelOf, partOf, state } from "./state.js";
import { grouped, spanOf, words } from "./text.js";

const mediaText = (/** @type {Record<string, number> | undefined} */ media) => {
  if (media === undefined) return "passes elsewhere";
  const side = (/** @type {string} */ name) =>
    `${grouped(media[`packetsFrom${name}`] ?? 0)} packets, ${media[`lossPercentFrom${name}`] ?? 0} % lost, jitter ${media[`jitterMsFrom${name}`] ?? 0} ms`;
  return `${media.bad ? "bad; " : ""}${media.moved ? "moved to the telephone network; " : ""}in ${side("Inside")}; out ${side("Outside")}`;
};

const rows = (/** @type {ReadonlyArray<any>} */ calls, /** @type {string} */ name) =>
  calls.length === 0
    ? html`<p class="empty">No call is under way.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label=${`Calls of ${name}`}><table>
        <caption class="hidden">Calls under way</caption>
        <thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">By</th><th scope="col">State</th><th scope="col">Media</th></tr></thead>
        <tbody>${calls
          .slice(-100)
          .toReversed()
          .map(
            (call) => html`<tr key=${call.id}>
          <td class="number">${call.calling ?? "unknown"}</td><td class="number">${call.called ?? "unknown"}</td><td>${call.by || "–"}</td>
          <td>${call.state === "up" ? `up, ${spanOf(call.seconds)}` : "rings"}${call.direction === "unknown" ? "" : `, ${call.direction}`}</td><td>${mediaText(call.media)}${call.ladder && html` <button class="link" onClick=${() => chosen(call.ladder)} aria-label=${`Show the messages of call ${call.id}`}>messages</button>`}</td>
        </tr>`,
          )}</tbody>
      </table></div>`;

/** @type {Record<string, string>} */
const QUESTIONS = {
  fellBack: "Took the telephone network, though there was a route",
  unreadable: "Messages that could not be read",
  fallback: "Moved to the telephone network while up",
};

const oneProgram = (/** @type {string} */ name) => {
  const calls = partOf(name, "calls");
  if (calls === null)
    return html`<section key=${name}><h2>${labelOf(name)}</h2><p class="empty">It does not answer.</p></section>`;
  const reasons = Object.entries(QUESTIONS).filter(
    ([question]) => Object.keys(calls.reasons[question] ?? {}).length > 0,
  );
  return html`<section key=${name} aria-labelledby=${`p-${name}`}>
    <h2 id=${`p-${name}`}>${labelOf(name)}: ${grouped(calls.underWay)} under way</h2>
    ${rows(calls.calls, name)}
    <dl class="counters">${Object.entries(calls.counters)
      .filter(([, value]) => typeof value === "number" && value > 0)
      .map(([key, value]) => html`<div key=${key}><dt>${words(key)}</dt><dd>${grouped(Number(value))}</dd></div>`)}</dl>
    ${reasons.map(([question, title]) => html`<div key=${question}><h3>${title}</h3>${bars(calls.reasons[question])}</div>`)}
    ${
      calls.unreadable.length > 0 &&
      html`<h3>The newest that could not be read</h3><div class="scroll" tabindex="0" role="region" aria-label="Unreadable messages"><table>
      <caption class="hidden">Unreadable messages</caption>
      <thead><tr><th scope="col">Time</th><th scope="col">From</th><th scope="col">Place</th><th scope="col">Reason</th></tr></thead>
      <tbody>${calls.unreadable.map((/** @type {any} */ one, /** @type {number} */ i) => html`<tr key=${i}><td class="time">${one.at.slice(11, 19)}</td><td>${one.from}</td><td>${one.place}</td><td>${one.reason}</td></tr>`)}</tbody>
    </table></div>`
    }
  </section>`;
};

export const callsView = () => [
  laddersSection(),
  ...state.programs.filter(({ program }) => program !== "server").map(({ name }) => oneProgram(name)),
];
