/** Who was not let in, and why: at the border element, in validation, in the overlay. */
import { bars } from "./bars.js";
import { html } from "./html.js";
import { partOf, programsOf, samples, total } from "./state.js";
import { words } from "./text.js";

/** Reasons of the border element, as docs/operator.md has them, for people. @type {Record<string, string>} */
const REASONS = {
  missing: "no ticket",
  malformed: "a ticket that cannot be read",
  badIntegrity: "a ticket that is not ours",
  expired: "a ticket that has ended",
  notYetValid: "a ticket of the future",
  unknownEpoch: "a ticket of a voided epoch",
  wrongNumber: "a ticket for another number",
  wrongDomain: "a ticket of another domain",
  otherDomain: "a call of another domain",
  unknownDialog: "no such call",
  unreadable: "not to be read as SIP",
  offerNotSecured: "offered sound in the clear",
  answerNotSecured: "answered in the clear",
  referElsewhere: "a transfer to another number",
  notTls: "no TLS",
  noDomain: "a certificate without a domain",
  insideAddress: "an address of the inside network",
};

/** Over all programs, by sentence. @param {ReadonlyArray<Record<string, number>>} all */
const summed = (all) => {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const one of all)
    for (const [reason, count] of Object.entries(one)) {
      const said = REASONS[reason] ?? words(reason);
      if (count > 0) counts[said] = (counts[said] ?? 0) + count;
    }
  return counts;
};

/** @param {string} id @param {string} title @param {string} about @param {ReadonlyArray<Record<string, number>>} all */
const block = (id, title, about, all) => {
  const counts = summed(all);
  return html`<section key=${id} aria-labelledby=${id} class="card">
    <h2 id=${id}>${title}</h2><p class="quiet">${about}</p>
    ${Object.keys(counts).length === 0 ? html`<p class="empty">None so far.</p>` : bars(counts)}
  </section>`;
};

/** @param {string} metric @param {string} label */
const byLabel = (metric, label) =>
  programsOf("server").map(({ name }) =>
    Object.fromEntries(samples(name, metric).map(({ labels, value }) => [labels[label] ?? "", value])),
  );
const verdict = (/** @type {string} */ which) => total("server", "vipr_attempts_total", { verdict: which });

/** Counters of PVP that count what came to nothing. @type {Record<string, string>} */
const ASKED_US = {
  failed: "a wrong password for a call that was",
  simulated: "a password for a call that never was",
  malformed: "not to be read",
  slowed: "failed often, and were slowed down",
  barred: "failed often, and were turned away",
  crowded: "too many streams from one address",
};

export const refusalsView = () => {
  const reasons = programsOf("border").map(({ name }) => partOf(name, "calls")?.reasons ?? {});
  const askedUs = byLabel("vipr_pvp_total", "what").map((counts) =>
    Object.fromEntries(Object.entries(ASKED_US).map(([what, said]) => [said, counts[what] ?? 0])),
  );
  return html`<div class="columns">
    ${
      programsOf("border").length > 0 && [
        block(
          "calls-refused",
          "Calls from outside",
          "Nobody inside heard of them.",
          reasons.map(({ refused = {} }) => refused),
        ),
        block(
          "connections-refused",
          "Connections from outside",
          "Closed before a message was read.",
          reasons.map(({ connectionsRefused = {} }) => connectionsRefused),
        ),
        block(
          "media-refused",
          "Packets of sound",
          "Not from who was agreed on, or not authentic.",
          reasons.map(({ mediaRefused = {} }) => mediaRefused),
        ),
      ]
    }
    ${
      programsOf("server").length > 0 && [
        block("attempts", "Claims that were not proved", "Claimants whom we asked about a call of ours.", [
          {
            "did not know of the call": verdict("refused"),
            "knew of it, and declined": verdict("declined"),
          },
        ]),
        block("asked-us", "Who asked us, and failed", "Handshakes about calls that we received.", askedUs),
        block(
          "overlay",
          "Stores and fetches in the overlay",
          "Of other nodes, refused here.",
          byLabel("vipr_overlay_refusals_total", "reason"),
        ),
      ]
    }
  </div>`;
};
