/** Counts by reason, the largest first, as bars that are also text. */
import { html } from "./html.js";
import { grouped, words } from "./text.js";

/** @param {Record<string, number>} counts */
export const bars = (counts) => {
  const rows = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...rows.map(([, count]) => count));
  return html`<ul class="bars">${rows.map(
    ([reason, count]) => html`<li key=${reason}>
      <span class="reason">${words(reason)}</span>
      <span class="track" aria-hidden="true"><span style=${{ width: `${Math.max(1, (100 * count) / most).toFixed(1)}%` }}></span></span>
      <span class="figure">${grouped(count)}</span>
    </li>`,
  )}</ul>`;
};
