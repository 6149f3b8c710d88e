/** Health: what keeps a program from serving, what its log warns of, how long its certificates last. */
import { html } from "./html.js";
import { labelOf, partOf, state } from "./state.js";
import { grouped, megabytes, spanOf } from "./text.js";

const DAYS_WARN = 30;
const DAYS_SCALE = 365;

const certificates = (/** @type {Record<string, number>} */ daysLeft) =>
  Object.entries(daysLeft).map(
    ([name, days]) => html`<li key=${name} class=${days < DAYS_WARN ? "bad" : "good"}>
      <span class="reason">${name}</span>
      <span class="track" aria-hidden="true"><span style=${{ width: `${Math.max(1, Math.min(100, (100 * days) / DAYS_SCALE)).toFixed(0)}%` }}></span></span>
      <span class="figure">${days < 0 ? `ended ${grouped(-days)} days ago` : `${grouped(days)} days`}</span>
    </li>`,
  );

const oneProgram = (/** @type {string} */ name) => {
  const status = partOf(name, "status");
  if (status === null) return html`<section key=${name}><h2>${labelOf(name)}</h2><p>Looking</p></section>`;
  const { answers, ready, reasons, troubles, daysLeft, upSeconds, residentBytes } = status;
  const said = Object.entries(troubles);
  return html`<section key=${name} aria-labelledby=${`h-${name}`}>
    <h2 id=${`h-${name}`}>${labelOf(name)}</h2>
    <p class="verdict ${ready ? "good" : "bad"}"><span class="dot" aria-hidden="true"></span>${answers ? (ready ? `ready, up ${spanOf(upSeconds)}, ${megabytes(residentBytes)}` : `not ready: ${reasons.join(", ")}`) : "does not answer: vipr doctor says why"}</p>
    ${Object.keys(daysLeft).length > 0 && html`<h3>Certificates</h3><ul class="bars">${certificates(daysLeft)}</ul>`}
    <h3>Warnings in the log since the start</h3>
    ${
      said.length === 0
        ? html`<p class="empty">None.</p>`
        : html`<table class="narrow"><caption class="hidden">Warnings by event</caption>
          <thead><tr><th scope="col">Level and event</th><th scope="col" class="figure">Times</th></tr></thead>
          <tbody>${said.map(([event, count]) => html`<tr key=${event}><td>${event}</td><td class="figure">${grouped(Number(count))}</td></tr>`)}</tbody>
        </table>
        <p class="quiet">The log has them with their reasons; <code>vipr doctor</code> says what to do.</p>`
    }
  </section>`;
};

export const healthView = () => state.programs.map(({ name }) => oneProgram(name));
