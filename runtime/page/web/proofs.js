/** Validations as they happen: look-ups, claimants asked, by which method, worth how many bits, with what verdict. */
import { html } from "./html.js";
import { programsOf, samples, state, total } from "./state.js";
import { clockOf, grouped } from "./text.js";

/** @type {Record<string, string>} */
const KINDS = {
  validated: "good",
  proved: "good",
  learned: "good",
  granted: "good",
  refused: "bad",
  declined: "bad",
  unwelcome: "bad",
  charged: "bad",
  lookUpFailed: "bad",
  publishFailed: "bad",
};

/** @param {ReadonlyArray<import("./state.js").Happening>} rows the newest first */
export const happeningRows = (rows) =>
  rows.length === 0
    ? html`<p class="empty">Nothing yet. A call's record arrives when the call has ended; its validation waits a random time, so that nobody learns from it when somebody has phoned.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="Events"><table class="events">
        <caption class="hidden">Events, the newest first</caption>
        <thead><tr><th scope="col">Time</th><th scope="col">Number</th><th scope="col">What happened</th></tr></thead>
        <tbody>
          ${rows.map(
            (one) => html`<tr key=${`${one.program}${one.n}`} class=${KINDS[one.verdict ?? one.type] ?? ""}>
              <td class="time">${clockOf(one.atMs)}</td>
              <td class="number">${one.number}</td>
              <td>${programsOf("server").length > 1 ? `${one.program}: ` : ""}${one.text}${one.bits !== undefined && one.required !== undefined ? bar(one.bits, one.required) : ""}</td>
            </tr>`,
          )}
        </tbody>
      </table></div>`;

/** How far a claim has come. @param {number} bits @param {number} required */
export const bar = (bits, required) => {
  const part = Math.max(0, Math.min(1, bits / Math.max(required, 1)));
  return html`<span class="bar" role="img" aria-label=${`${bits.toFixed(1)} of ${required} bits`}><span style=${{ width: `${(100 * part).toFixed(0)}%` }}></span></span>`;
};

const byMethod = () => {
  /** @type {Map<string, Map<string, number>>} */
  const table = new Map();
  for (const { name } of programsOf("server"))
    for (const { labels, value } of samples(name, "vipr_attempts_total")) {
      const row = table.get(labels.method ?? "") ?? new Map();
      row.set(labels.verdict ?? "", (row.get(labels.verdict ?? "") ?? 0) + value);
      table.set(labels.method ?? "", row);
    }
  return table;
};

export const proofsView = () => {
  const table = byMethod();
  const verdicts = [...new Set([...table.values()].flatMap((row) => [...row.keys()]))].sort();
  const pending = total("server", "vipr_validations_pending");
  const underWay = total("server", "vipr_validations_under_way");
  return html`
    <p class="lead"><strong>${grouped(pending)}</strong> calls wait for their time, <strong>${grouped(underWay)}</strong> are being validated.</p>
    ${
      table.size > 0 &&
      html`<section aria-labelledby="verdicts"><h2 id="verdicts">By method and verdict</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="Claimants asked"><table class="narrow"><caption class="hidden">Claimants asked, by method of PVP and verdict</caption>
        <thead><tr><th scope="col">Method</th>${verdicts.map((verdict) => html`<th scope="col" class="figure" key=${verdict}>${verdict}</th>`)}</tr></thead>
        <tbody>${[...table].sort().map(([method, row]) => html`<tr key=${method}><th scope="row">${method}</th>${verdicts.map((verdict) => html`<td class="figure" key=${verdict}>${grouped(row.get(verdict) ?? 0)}</td>`)}</tr>`)}</tbody>
      </table></div></section>`
    }
    <section aria-labelledby="live"><h2 id="live">As it happens</h2>${happeningRows(state.happenings.slice(-60).toReversed())}</section>`;
};
