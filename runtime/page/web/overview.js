/** From a call over the telephone network to a call over the Internet: what has come how far, in one picture. */
import { html } from "./html.js";
import { happeningRows } from "./proofs.js";
import { labelOf, partOf, programsOf, state, total } from "./state.js";
import { grouped, megabytes, spanOf, words } from "./text.js";

const sumOver = (/** @type {string} */ kind, /** @type {(name: string) => number} */ of) =>
  programsOf(kind).reduce((sum, { name }) => sum + of(name), 0);
const servers = (/** @type {string} */ metric, labels = {}) => total("server", metric, labels);

/** A step's number, what it is, and what waits or fell out there. */
const steps = () => {
  const refused = servers("vipr_attempts_total", { verdict: "refused" });
  const none = servers("vipr_look_ups_total", { result: "unclaimed" });
  const left = servers("vipr_calls_not_validated_total");
  const counted = (/** @type {string} */ kind, /** @type {string} */ key) =>
    sumOver(kind, (name) => partOf(name, "calls")?.counters?.[key] ?? 0);
  const refusedCalls = sumOver("border", (name) =>
    Object.values(partOf(name, "calls")?.reasons?.refused ?? {}).reduce((sum, count) => sum + Number(count), 0),
  );
  const all = [
    {
      title: "Calls over the telephone network",
      count: servers("vipr_vcrs_total"),
      note: `${grouped(servers("vipr_vcrs_total", { direction: "sent" }))} sent, ${grouped(servers("vipr_vcrs_total", { direction: "received" }))} received`,
    },
    {
      title: "Wait for their time",
      count: servers("vipr_validations_pending"),
      note: left > 0 ? `${grouped(left)} not validated` : "",
    },
    {
      title: "Numbers looked up",
      count: servers("vipr_look_ups_total"),
      note: none > 0 ? `${grouped(none)} claimed by nobody` : "",
    },
    {
      title: "Claimants asked",
      count: servers("vipr_attempts_total"),
      note: refused > 0 ? `${grouped(refused)} did not know of the call` : "",
    },
    { title: "Proofs", count: servers("vipr_proofs_total"), note: "" },
    {
      title: "Routes learned",
      count: servers("vipr_routes_learned_total"),
      note: `${grouped(servers("vipr_route_domains"))} domains`,
    },
  ];
  const carriers = state.programs.filter(({ program }) => program !== "server");
  if (carriers.length === 0) return all;
  const hasAgent = programsOf("agent").length > 0;
  return [
    ...all,
    {
      title: "Calls over the Internet",
      count: hasAgent ? counted("agent", "viaVipr") : counted("border", "forwarded"),
      note: `${grouped(counted("border", "admitted"))} let in${refusedCalls > 0 ? `, ${grouped(refusedCalls)} messages refused` : ""}`,
    },
  ];
};

const programCard = (/** @type {string} */ name) => {
  const status = partOf(name, "status");
  if (status === null) return html`<article key=${name} class="card"><h3>${labelOf(name)}</h3><p>Looking</p></article>`;
  const { ready, answers, reasons, upSeconds, residentBytes, admin, troubles } = status;
  const said = Object.values(troubles).reduce((sum, count) => sum + Number(count), 0);
  const why = !answers ? "does not answer" : ready ? "ready" : `not ready: ${reasons.join(", ")}`;
  return html`<article key=${name} class="card">
    <h3>${labelOf(name)}</h3>
    <p class="verdict ${ready ? "good" : "bad"}"><span class="dot" aria-hidden="true"></span>${why}</p>
    <dl>
      <div><dt>up</dt><dd>${spanOf(upSeconds)}</dd></div>
      <div><dt>memory</dt><dd>${megabytes(residentBytes)}</dd></div>
      <div><dt>admin port</dt><dd>${admin ?? "–"}</dd></div>
      ${Object.entries({ ...status.agents, ...status.routes, ...status.calls })
        .slice(0, 4)
        .map(([key, value]) => html`<div key=${key}><dt>${words(key)}</dt><dd>${grouped(Number(value))}</dd></div>`)}
    </dl>
    ${said > 0 && html`<p><a href="#health">${grouped(said)} ${said === 1 ? "line" : "lines"} of warning in the log</a></p>`}
  </article>`;
};
export const overviewView = () => html`
  ${
    programsOf("server").length > 0 &&
    html`<section aria-labelledby="way">
    <h2 id="way">From a call to a route</h2>
    <ol class="way">
      ${steps().map(
        ({ title, count, note }) => html`<li key=${title}>
          <span class="count">${grouped(count)}</span><span class="title">${title}</span><span class="note">${note}</span>
        </li>`,
      )}
    </ol>
  </section>`
  }
  <section aria-labelledby="programs">
    <h2 id="programs">Programs</h2>
    <div class="cards">${state.programs.map(({ name }) => programCard(name))}</div>
  </section>
  ${
    programsOf("server").length > 0 &&
    html`<section aria-labelledby="newest">
    <h2 id="newest">Newest</h2>
    ${happeningRows(state.happenings.slice(-8).toReversed())}
  </section>`
  }`;
